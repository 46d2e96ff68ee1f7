// The pictures of the README: made by the board itself, small enough for a page.

import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { TEXTS } from '../lib/stage.mjs';
import { must } from '../lib/report.mjs';
import { PHONE_SIZE, Visitor } from '../lib/visitor.mjs';

const FOLDER = join(import.meta.dirname, '../../../docs/images');
/** The most bytes of one picture. */
const MOST = 250_000;

async function take(visitor, name, height) {
  const file = join(FOLDER, name);
  const { width } = visitor.page.viewportSize();
  await visitor.page.setViewportSize({ width, height });
  await visitor.page.screenshot({ path: file });
  const { size } = statSync(file);
  must(size <= MOST, `${name} has ${size} bytes, more than ${MOST}`);
}

/** Writes docs/images. */
export async function readme(browser, board, report) {
  mkdirSync(FOLDER, { recursive: true });
  const bunch = report.bunch('pictures');
  const desktop = bunch.watch(await Visitor.open(browser, board));
  const phone = bunch.watch(await Visitor.open(browser, board, { phone: true, sharp: true }));
  await bunch.step('home.png', async () => {
    await desktop.goto('/');
    await take(desktop, 'home.png', 860);
  });
  await bunch.step('message-phone.png', async () => {
    // One of the samples.
    await phone.goto(`/search?q=${encodeURIComponent(TEXTS.search.picture)}`);
    must((await phone.count('.card')) > 0, 'there is no message to take a picture of');
    await phone.goto(await phone.page.locator('.card h2 a').first().getAttribute('href'));
    await take(phone, 'message-phone.png', PHONE_SIZE.height);
  });
  await bunch.end();
}
