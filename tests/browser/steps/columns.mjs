// A partner's column: on the partner's own page, and from there to a receipt.

import { createServer } from 'node:http';
import { fillMessage, lookUp, readReceipt, SUBMIT } from '../lib/acts.mjs';
import { examine } from '../lib/examine.mjs';
import { must } from '../lib/report.mjs';
import { message, TEXTS } from '../lib/stage.mjs';
import { DESKTOP, PHONE_SIZE, Visitor } from '../lib/visitor.mjs';

/** The column of the samples, and the port of the one origin that may show it. */
const COLUMN = 'sample-column';
const PORT = 8765;
const SHOWN = 'main iframe';

/** A partner's site, which is nothing but the script where the column is to be. */
function site(board, port, body) {
  const server = createServer((request, answer) => {
    answer.setHeader('content-type', 'text/html; charset=utf-8');
    answer.end(`<!doctype html><html lang="zh-CN"><title>partner</title><main>${body}</main></html>`);
  });
  return new Promise((ready, fail) => {
    server.once('error', fail);
    server.listen(port, '127.0.0.1', () => ready({ server, port: server.address().port }));
  });
}

/** Opens a page with nothing of ours in the browser. */
async function guest(browser, lang) {
  const context = await browser.newContext({ locale: lang === 'en' ? 'en-GB' : lang, timezoneId: 'Asia/Shanghai' });
  context.setDefaultTimeout(20_000);
  return { context, page: await context.newPage() };
}

/** What everybody must see of a column, on the partner's pages and on ours. */
export async function columns(browser, board, report) {
  const chain = report.chain('columns');
  const script = `<script src="${board.origin}/embed/${COLUMN}.js"></script>`;
  const partner = await site(board, PORT, script);
  const stranger = await site(board, 0, script + `<iframe src="${board.origin}/c/${COLUMN}?embed=1"></iframe>`);
  for (const lang of ['zh-CN', 'en']) {
    await chain.step(`a partner's page leads to a receipt, ${lang}`, async () => {
      const { context, page } = await guest(browser, lang);
      try {
        await page.goto(`http://localhost:${partner.port}/`, { waitUntil: 'load' });
        const frame = page.frameLocator(SHOWN);
        await frame.locator('h1').waitFor();
        const [form] = await Promise.all([
          context.waitForEvent('page'),
          frame.locator(`a[href="/c/${COLUMN}"]`).click(),
        ]);
        await form.waitForLoadState('load');
        must(new URL(form.url()).pathname === `/c/${COLUMN}`, `the card leads to ${form.url()}`);
        const cookies = await context.cookies(`http://localhost:${partner.port}/`);
        must(cookies.length === 0, 'the partner\'s page has a cookie');
        const visitor = Object.assign(Object.create(Visitor.prototype), { page: form, pace: { take: async () => {} } });
        await fillMessage(visitor, message(TEXTS.plain));
        await Promise.all([form.waitForURL('**/receipt'), form.locator(SUBMIT).first().click()]);
        const receipt = await readReceipt(visitor);
        must(receipt.code.length > 8, 'the receipt has no code');
      } finally {
        await context.close();
      }
    });
  }
  await chain.step('no other site shows it in a frame: there, a link stands', async () => {
    const { context, page } = await guest(browser, 'zh-CN');
    try {
      await page.goto(`http://localhost:${stranger.port}/`, { waitUntil: 'load' });
      must((await page.locator(`main a[href="${board.origin}/c/${COLUMN}"]`).count()) === 1, 'there is no link');
      must((await page.locator(SHOWN).count()) === 1, 'the script made a frame where none may be');
      const framed = page.frames().find((frame) => frame !== page.mainFrame());
      const heading = await framed.locator('h1').filter({ visible: true }).count().catch(() => 0);
      must(!framed.url().startsWith(board.origin) || heading === 0, 'another site shows the card');
    } finally {
      await context.close();
    }
  });
  await chain.step('a message by a column is found by number and code, on a phone without scripts', async () => {
    const visitor = chain.watch(await Visitor.open(browser, board, { phone: true, js: false }));
    await visitor.goto(`/c/${COLUMN}`);
    await fillMessage(visitor, message(TEXTS.plain));
    await visitor.press(SUBMIT);
    await lookUp(visitor, await readReceipt(visitor));
  });
  await chain.step('the card is one for everybody', async () => {
    const wrong = [];
    for (const lang of ['zh-CN', 'en']) {
      const visitor = chain.watch(await Visitor.open(browser, board, { lang }));
      await visitor.goto(`/c/${COLUMN}?embed=1`);
      wrong.push(...(await examine(visitor.page, {
        lang, names: [], sizes: { desktop: DESKTOP, phone: PHONE_SIZE }, bytes: 0,
      })));
    }
    return wrong;
  });
  await chain.end();
  for (const { server } of [partner, stranger]) server.close();
}
