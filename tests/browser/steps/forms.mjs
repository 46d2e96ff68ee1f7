// Every form: sent empty, and with more than its fields may hold.

import { SUBMIT, accept, claim, lookUp, openCase, openReview, returnIt, write } from '../lib/acts.mjs';
import { PLACES } from '../lib/board.mjs';
import { must } from '../lib/report.mjs';
import { TEXTS, answer, message } from '../lib/stage.mjs';
import { eventually } from '../lib/visitor.mjs';
import { word } from '../lib/words.mjs';

/** So many characters, each of which a browser sends as nine bytes. */
const long = (count) => TEXTS.long.repeat(count);
const LONG = long(1200);

/** A refused form says what is wrong, at its field, and has all that was typed. */
async function isRefused(visitor, fields, wrong) {
  must(visitor.status === 422, `the form answers ${visitor.status} instead of 422`);
  must((await visitor.text('#faults, [role=alert]')).length > 0, 'nothing says what is wrong');
  for (const [field, text] of Object.entries(fields)) {
    // Secrets are never sent back.
    if (/code|password/.test(field)) continue;
    must((await visitor.value(field)) === text, `${field} has lost what was typed`);
  }
  for (const id of wrong) {
    must(await visitor.has(`#${id}-wrong`), `nothing at #${id} says what is wrong with it`);
    const invalid = await visitor.page.locator(`#${id}`).getAttribute('aria-invalid');
    must(invalid === 'true', `#${id} is not marked as wrong`);
  }
  const links = await visitor.page.locator('#faults a').evaluateAll((all) => all.map((link) => link.getAttribute('href')));
  for (const link of links) must((await visitor.count(link)) === 1, `the summary leads to ${link}, which is not there`);
}

/** Forms of visitors who are not signed in. */
const OPEN = [
  ['empty message', '/new', {}, SUBMIT, ['office', 'kind', 'title']],
  ['too long message', `/new?office=${PLACES.office}`, {
    '#title': LONG, '#body': LONG, '#place': LONG, '#remark': LONG, '#name': LONG, '#phone': LONG,
  }, SUBMIT, ['title', 'body', 'place', 'remark', 'name', 'phone'], 'help'],
  ['too long complaint', `/new?office=${PLACES.office}`, { '#title': 'x', '#demand': LONG, '#details': LONG }, SUBMIT, ['title', 'demand', 'details'], 'complaint'],
  ['empty look-up', '/mine', {}, 'main form button', []],
  ['too long look-up', '/mine', { '#number': LONG, '#code': LONG }, 'main form button', []],
  ['empty sign-in', '/sign-in', {}, 'main form button', []],
  ['too long sign-in', '/sign-in', { '#name': LONG, '#password': LONG }, 'main form button', []],
  ['empty code', '/verify?endpoint=1', {}, 'main form button', []],
  ['too long code', '/verify?endpoint=1', { '#code': LONG }, 'main form button', []],
];

// Characters of three bytes each; a form may have 512 KiB of them.
const TOO_LONG_FORM = 180_000;

export async function forms(bunch, open) {
  const visitor = await open();
  for (const [name, path, fields, button, wrong, kind] of OPEN) {
    await bunch.step(name, async () => {
      await visitor.goto(path);
      if (kind) await visitor.check(`#kind-${kind}`);
      await visitor.fill(fields);
      await visitor.press(button, { status: 0, unchecked: true });
      await isRefused(visitor, fields, wrong);
    });
  }
  await bunch.step('empty and too long searches', async () => {
    await visitor.goto('/search?q=', 0);
    must(visitor.status === 200, `an empty search answers ${visitor.status}`);
    await visitor.goto(`/search?q=${encodeURIComponent(long(300))}`, 0);
    must(visitor.status === 422, `a too long search answers ${visitor.status}`);
    await visitor.says(word('zh-CN', 'search-too-long'));
  });
  await bunch.step('a form that is longer than any may be', async () => {
    await visitor.goto('/new');
    await visitor.fill({ '#body': long(TOO_LONG_FORM) });
    await visitor.press(SUBMIT, { status: 413, unchecked: true });
    await visitor.says(word('zh-CN', 'form-too-long'));
    await visitor.back();
    must((await visitor.value('#body')).length === TOO_LONG_FORM, 'the way back has lost what was typed');
  });
}

/** Forms of those who are signed in, or are authors. */
export async function refusals(bunch, open, board) {
  const [author, citizen, clerk, moderator] = [await open(), await open('citizen'), await open('clerk'), await open('moderator')];
  const sent = await write(author, message(TEXTS.plain), PLACES.office);
  const held = await write(author, message(TEXTS.held), PLACES.office);
  const path = await openCase(clerk, sent);
  await accept(clerk);
  const review = await openReview(moderator, held);
  await claim(moderator);
  const act = (name) => `form[action$="/${name}"] button`;

  const tries = [
    ['empty answer', clerk, path, {}, `${act('reply')}[value=send]`, ['body']],
    ['too long answer', clerk, path, { '#body': long(20_001) }, `${act('reply')}[value=send]`, ['body']],
    ['no outcome', clerk, path, {}, act('close'), ['outcome']],
    ['empty transfer', clerk, `${path}/transfer`, {}, `${act('transfer')}[value=send]`, ['office', 'reason']],
    ['too long reason', clerk, `${path}/transfer`, { '#reason': LONG }, `${act('transfer')}[value=send]`, ['office', 'reason']],
    ['no decision', moderator, review, {}, 'button[value=decide]', ['decision']],
    ['words that are not in the text', moderator, review, { '#words': LONG }, 'button[value=decide]', ['words']],
    ['empty password', citizen, '/account', {}, act('password'), []],
    ['too long password', citizen, '/account', { '#password': 'x', '#new_password': LONG, '#new_password_again': LONG }, act('password'), []],
    ['empty address', citizen, '/account', {}, act('endpoints'), ['address']],
    ['too long address', citizen, '/account', { '#address': `${'x'.repeat(400)}@a.example` }, act('endpoints'), ['address']],
  ];
  for (const [name, visitor, from, fields, button, wrong] of tries) {
    await bunch.step(name, async () => {
      await visitor.goto(from);
      await visitor.fill(fields);
      await visitor.press(button, { status: 0, unchecked: true });
      await isRefused(visitor, fields, wrong);
    });
  }
  await bunch.step('returned without a ground, and with too long a text', async () => {
    await moderator.goto(review);
    await moderator.check('input[name=decision][value=return]');
    await moderator.check('.notes li:first-child input[name=about]');
    await moderator.press('button[value=decide]', { status: 422 });
    await isRefused(moderator, {}, ['ground']);
    await moderator.choose('#ground', 'own_personal_data');
    await moderator.fill({ '#explanation': LONG });
    await moderator.press('button[value=decide]', { status: 422 });
    await isRefused(moderator, { '#explanation': LONG }, ['explanation']);
  });
  await bunch.step('mended with nothing, and with too much', async () => {
    await moderator.goto(review);
    await returnIt(moderator, 'own_personal_data');
    await lookUp(author, held);
    await eventually('the author is told', async () => {
      await author.goto(`/mine/${held.number}`);
      return author.has('#mend');
    });
    for (const text of ['', LONG]) {
      const fields = { '#title': text, '#body': text };
      await author.fill(fields);
      await author.press(act('resubmit'), { status: 0, unchecked: true });
      await isRefused(author, fields, ['title', 'body']);
    }
  });
  await bunch.step('an answer as long as it may be, through a preview and a session that ends', async () => {
    await clerk.goto(path);
    await clerk.fill({ '#body': long(20_000) });
    await clerk.press(`${act('reply')}[value=preview]`);
    await clerk.press('button[value=edit]');
    must((await clerk.value('#body')).length === 20_000, 'the preview has lost a part of the answer');
    await clerk.context.clearCookies({ name: /^session/ });
    await clerk.press(`${act('reply')}[value=preview]`, { status: 401 });
    await clerk.fill({ '#name': board.accounts.clerk.name, '#password': board.accounts.clerk.password });
    await clerk.press('main form button');
    await clerk.says(long(20_000));
  });
  await bunch.step('rated with nothing', async () => {
    await clerk.goto(path);
    await clerk.fill({ '#body': answer(sent) });
    await clerk.press(`${act('reply')}[value=send]`);
    await lookUp(author, sent);
    await eventually('the answer can be rated', async () => {
      await author.goto(`/mine/${sent.number}`);
      return author.has('form[action$="/rate"]');
    });
    await author.press(act('rate'), { status: 0, unchecked: true });
    must(author.status === 422, `an empty rating answers ${author.status}`);
    await author.says(word('zh-CN', 'rate-incomplete'));
  });
}
