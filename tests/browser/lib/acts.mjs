// What people do on the board, step by step as they do it.

import { must } from './report.mjs';
import { eventually } from './visitor.mjs';

export const SUBMIT = 'main button[name=action][value=submit]';
export const PREVIEW = 'main button[name=action][value=preview]:not([aria-hidden])';

/** Signs in; `next` is where it leads. */
export async function signIn(visitor, account, next) {
  await visitor.goto('/sign-in');
  await visitor.fill({ '#name': account.name, '#password': account.password });
  await visitor.press('main form button');
  must(visitor.path() === next, `${account.name} comes to ${visitor.path()} instead of ${next} after the sign-in`);
}

/** Chooses an office list by list, as somebody does who comes from the first page. */
export async function chooseOffice(visitor, codes, office) {
  await visitor.goto('/new');
  for (const [index, code] of codes.entries()) {
    await visitor.choose(`#d${index + 1}`, code);
    await visitor.press('button[name=action][value=pick]');
    must((await visitor.value(`#d${index + 1}`)) === code, `the list ${index + 1} forgets what was chosen`);
  }
  await visitor.check(`input[name=office_id][value="${office}"]`);
}

/** Fills the form for a message. */
export async function fillMessage(visitor, message) {
  const { kind, ...texts } = message;
  await visitor.check(`input[name=kind][value=${kind}]`);
  const fields = Object.entries(texts).map(([name, text]) => [`[name=${name}]`, text]);
  await visitor.fill(Object.fromEntries(fields));
}

/** Reads number and access code from the receipt. */
export async function readReceipt(visitor) {
  must(visitor.path() === '/receipt', `the message leads to ${visitor.path()} and not to a receipt`);
  const [number, code] = await visitor.page.locator('.receipt .secret').allInnerTexts();
  must(number && code, 'the receipt has no number or no access code');
  return { number: number.trim(), code: code.trim() };
}

/** Chooses files on the form; they go up with whatever button is pressed next. */
export async function attach(visitor, files) {
  await visitor.page.locator('input[type=file]').setInputFiles(files);
}

/** Leaves a message at once, as a link to the office allows; `ticked` are further choices. */
export async function write(visitor, message, office, ticked = [], files = []) {
  await visitor.goto(`/new?office=${office}`);
  await visitor.check(`input[name=office_id][value="${office}"]`);
  await fillMessage(visitor, message);
  if (files.length > 0) {
    await attach(visitor, files);
    await visitor.press('button[name=action][value=pick]');
    for (const box of await visitor.page.locator('input[name=file_public]').all()) await box.check();
  }
  for (const choice of ticked) await visitor.check(choice);
  await visitor.press(SUBMIT);
  return { ...(await readReceipt(visitor)), title: message.title };
}

/** Shows number and code, and comes to the author's page. */
export async function lookUp(visitor, { number, code }) {
  await visitor.goto('/mine');
  await visitor.fill({ '#number': number, '#code': code });
  await visitor.press('main form button');
  must(visitor.path() === `/mine/${number}`, `number and code lead to ${visitor.path()}`);
}

/** Waits until everybody can read the message. */
export async function becomesPublic(visitor, { number }) {
  await eventually(`${number} is public`, async () => (await visitor.goto(`/m/${number}`, 0)) === 200);
}

/** Goes through the pages of a list until a link of `row` has `text`, and follows it. */
async function follow(visitor, path, row, text) {
  let next = path;
  for (let pages = 0; next && pages < 30; pages += 1) {
    await visitor.goto(next);
    const link = visitor.page.locator('main ul.rows > li').filter({ hasText: text }).locator(row).first();
    if ((await link.count()) > 0) {
      await visitor.goto(await link.getAttribute('href'));
      return true;
    }
    const more = visitor.page.locator('main a[rel=next]');
    next = (await more.count()) > 0 ? await more.getAttribute('href') : undefined;
  }
  return false;
}

/** Finds a case by its number on the desk and opens it; gives its path. */
export async function openCase(visitor, { number }, tab = 'all') {
  await eventually(`${number} is on the desk`, () => follow(visitor, `/desk?tab=${tab}`, 'a.title', number));
  return visitor.path();
}

/** Finds a held message in the queue and opens it; gives its path. */
export async function openReview(visitor, { number }) {
  await eventually(`${number} waits for review`, () => follow(visitor, '/review', 'a.title', number));
  return visitor.path();
}

/** Waits until a message is public, or waits for a moderator; then its review is open, and it says so. */
export async function isHeld(reader, moderator, kept) {
  const came = await eventually(`${kept.number} is public or held`, async () => {
    if ((await reader.goto(`/m/${kept.number}`, 0)) === 200) return 'public';
    return (await follow(moderator, '/review', 'a.title', kept.number)) && 'held';
  });
  return came === 'held';
}

/** Takes the review that is open. */
export async function claim(visitor) {
  await visitor.press('form[action$="/claim"] button');
  must(await visitor.has('#decision'), 'a taken review can not be decided');
}

/** Publishes the review that is open without what the rules propose. */
export async function publishRedacted(visitor) {
  await visitor.check('input[name=decision][value=redacted]');
  await visitor.press('button[name=action][value=decide]');
  must(visitor.path() === '/review', 'a decision does not lead back to the queue');
}

/** Returns the review that is open to its author, with the usual words; gives them. */
export async function returnIt(visitor, ground) {
  await visitor.check('input[name=decision][value=return]');
  // Nothing is a reason that no moderator has ticked.
  must(await visitor.page.locator('input[name=about]:checked').count() === 0, 'words are ticked as a reason by themselves');
  await visitor.check('.notes li:first-child input[name=about]');
  await visitor.choose('#ground', ground);
  await visitor.press('button[name=action][value=tell]');
  const words = await visitor.value('#explanation');
  must(words.length > 10, 'there are no usual words for the author');
  await visitor.press('button[name=action][value=decide]');
  must(visitor.path() === '/review', 'a decision does not lead back to the queue');
  return words;
}

/** Declines the review that is open, as a whole, with the usual words; gives them. */
export async function decline(visitor, ground) {
  await visitor.check('input[name=decision][value=decline]');
  await visitor.check('input[name=whole]');
  await visitor.choose('#ground', ground);
  await visitor.press('button[name=action][value=tell]');
  const words = await visitor.value('#explanation');
  must(words.length > 10, 'there are no usual words for the author');
  await visitor.press('button[name=action][value=decide]');
  must(visitor.path() === '/review', 'a decision does not lead back to the queue');
  return words;
}

/** Decides the appeal that is open: publishes without what the rules propose, with words for the author. */
export async function overturn(visitor, words) {
  await visitor.check('input[name=decision][value=redacted]');
  await visitor.fill({ '#explanation': words });
  await visitor.press('button[name=action][value=decide]');
  must(visitor.path() === '/review', 'a decision does not lead back to the queue');
}

/** Accepts the case that is open. */
export const accept = (visitor) => visitor.press('form[action$="/accept"] button');

/** Answers the case that is open. */
export async function reply(visitor, text) {
  await visitor.fill({ '#body': text });
  await visitor.press('form[action$="/reply"] button[value=send]');
}

/** Closes the case that is open. */
export async function close(visitor, outcome) {
  await visitor.check(`input[name=outcome][value=${outcome}]`);
  await visitor.press('form[action$="/close"] button');
}

/** Opens what is seldom done with the case that is open, and follows one of it. */
export async function openSeldom(visitor, act) {
  await visitor.page.locator('details.seldom').evaluate((it) => { it.open = true; });
  await visitor.press(`details.seldom a[href$="/${act}"]`);
}

/** Does one act on its page: fills it in and sends it. */
export async function doAct(visitor, fields) {
  await visitor.fill(fields);
  await visitor.press('main form button[value=send]');
}
