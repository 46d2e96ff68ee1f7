// What goes wrong at browsers: empty and endless fields, scripts, impatience, sessions that end.

import {
  PREVIEW, SUBMIT, accept, becomesPublic, claim, fillMessage, isHeld, lookUp, openCase, openReview, readReceipt,
  reply, returnIt, signIn, write,
} from '../lib/acts.mjs';
import { PLACES } from '../lib/board.mjs';
import { must } from '../lib/report.mjs';
import { TEXTS, answer, message } from '../lib/stage.mjs';
import { Visitor, eventually } from '../lib/visitor.mjs';
import { word } from '../lib/words.mjs';
import { forms, refusals } from './forms.mjs';

const LANG = 'zh-CN';
const t = (name, values) => word(LANG, name, values);

/** All of it; each part stands by itself. */
export async function bad(browser, board, report) {
  for (const part of [forms, scripts, impatience, sessions, refusals]) {
    const chain = part === scripts || part === sessions ? report.chain('bad input') : report.bunch('bad input');
    const open = async (role) => {
      const visitor = chain.watch(await Visitor.open(browser, board, { lang: LANG }));
      const landing = { clerk: '/desk', supervisor: '/desk', moderator: '/review', citizen: '/account' }[role];
      if (role) await signIn(visitor, board.accounts[role], landing);
      return visitor;
    };
    try {
      await part(chain, open, board);
    } finally {
      await chain.end();
    }
  }
}

/** Whether what was written as a script stands on the page as a text, and is none. */
async function isText(visitor) {
  const found = await visitor.page.evaluate(() => ({
    scripts: document.querySelectorAll('script, img, b[onclick], iframe').length,
    text: document.body.innerText,
  }));
  must(found.scripts === 0, `${visitor.path()} has an element that somebody wrote`);
  return found.text.includes(TEXTS.script);
}

async function scripts(chain, open, board) {
  const sent = message(TEXTS.scriptMessage);
  const [author, clerk, moderator] = [await open(), await open(), await open()];
  let kept;
  await chain.step('scripts in every field of a message are texts in its preview', async () => {
    await author.goto(`/new?office=${PLACES.office}`);
    await fillMessage(author, sent);
    await author.press(PREVIEW);
    must(await isText(author), 'the preview does not show what was typed');
    await author.says(sent.place);
    await author.says(sent.name);
    await author.press('button[name=action][value=edit]');
    must((await author.value('#body')) === sent.body, 'the text is another one on the way back');
  });
  await chain.step('the message is taken, and its author reads it as it was typed', async () => {
    await author.press(SUBMIT);
    kept = { ...(await readReceipt(author)) };
    await author.goto(`/mine/${kept.number}`);
    must(await isText(author), 'the author\'s page does not show what was typed');
    await author.says(sent.body);
  });
  await chain.step('a moderator, if it is held, reads it as it was typed', async () => {
    await signIn(moderator, board.accounts.moderator, '/review');
    if (await isHeld(author, moderator, kept)) {
      must(await isText(moderator), 'the review does not show what was typed');
      await claim(moderator);
      await moderator.fill({ '#words': TEXTS.script, '#q': TEXTS.script });
      await moderator.press('button[name=action][value=find]', { status: 0 });
      await moderator.fill({ '#words': '' });
      for (const box of await moderator.page.locator('input[name=redact]:checked').all()) await box.uncheck();
      await moderator.check('input[name=decision][value=publish]');
      await moderator.press('button[name=action][value=decide]');
    }
    await becomesPublic(author, kept);
    must(await isText(author), 'the public page does not show what was typed');
  });
  await chain.step('a clerk reads it as it was typed, and answers in the same way', async () => {
    await signIn(clerk, board.accounts.clerk, '/desk');
    await openCase(clerk, kept);
    must(await isText(clerk), 'the desk does not show what was typed');
    await reply(clerk, `${answer(sent)}${TEXTS.script}`);
    must(await isText(clerk), 'the desk does not show what was answered');
    await eventually('the answer is public', async () => {
      await author.goto(`/m/${kept.number}`);
      return author.has('.answer');
    });
    await author.says(TEXTS.script, '.answer');
    must(await isText(author), 'the public page does not show what was answered');
  });
  await chain.step('scripts in all other fields do nothing', async () => {
    const typed = encodeURIComponent(TEXTS.script);
    await author.goto(`/search?q=${typed}`);
    must((await author.value('#q')) === TEXTS.script, 'the search forgets the words');
    await isText(author);
    for (const path of [`/mine?number=${typed}`, `/sign-in?next=${typed}`, `/verify?endpoint=${typed}&code=${typed}`, `/stats?division=${typed}&from=${typed}`, `/new?office=${typed}&kind=${typed}`, `/m/${typed}`, `/${typed}`]) {
      await author.goto(path, 0);
      must(author.status < 500, `${path} answers ${author.status}`);
      await isText(author);
    }
    for (const [path, fields] of [['/mine', ['#number', '#code']], ['/sign-in', ['#name', '#password']], ['/verify?endpoint=1', ['#code']]]) {
      await author.goto(path);
      await author.fill(Object.fromEntries(fields.map((field) => [field, `">${TEXTS.script}`])));
      await author.press('main form button', { status: 0 });
      must(author.status < 500, `${path} answers ${author.status}`);
      await isText(author);
    }
    await clerk.goto('/account');
    await clerk.fill({ '#address': `"${TEXTS.script}"@a.example` });
    await clerk.press('form[action$="/endpoints"] button', { status: 0, unchecked: true });
    must(clerk.status < 500, `an odd address answers ${clerk.status}`);
    await isText(clerk);
  });
}

async function impatience(bunch, open) {
  const author = await open('citizen');
  await bunch.step('pressed twice, a message is there once', async () => {
    const sent = message(TEXTS.plain);
    await author.goto(`/new?office=${PLACES.office}`);
    await fillMessage(author, sent);
    await author.pressTwice(SUBMIT);
    const { number } = await readReceipt(author);
    await eventually('the message is among one\'s own', async () => {
      await author.goto('/mine');
      return (await author.count(`.rows a[href*="${number}"]`)) > 0;
    });
    const times = await author.page.locator('.rows a').filter({ hasText: sent.title }).count();
    must(times === 1, `the message is there ${times} times`);
  });
  await bunch.step('a form of a page that was open for too long comes back, and is sent with one press', async () => {
    const sent = message(TEXTS.plain);
    await author.goto(`/new?office=${PLACES.office}`);
    await fillMessage(author, sent);
    await author.context.clearCookies({ name: /^(__Host-)?form/ });
    await author.press(SUBMIT, { status: 403 });
    await author.says(t('again-stale'));
    await author.says(sent.body);
    await author.press('main form button');
    await readReceipt(author);
  });
  let sent;
  let first;
  await bunch.step('back from the receipt, what was typed is still there', async () => {
    sent = message(TEXTS.lives.help);
    await author.goto(`/new?office=${PLACES.office}`);
    await fillMessage(author, sent);
    await author.press(SUBMIT);
    first = await readReceipt(author);
    await author.back();
    must(author.path() === '/new', `the way back leads to ${author.path()}`);
    for (const name of ['title', 'body', 'place']) {
      must((await author.value(`[name=${name}]`)) === sent[name], `${name} is lost on the way back`);
    }
  });
  await bunch.step('sent again after the way back, it is the same message', async () => {
    // Whatever the browser has kept.
    await fillMessage(author, sent);
    await author.press(SUBMIT);
    const second = await readReceipt(author);
    must(second.number === first.number, `${first.number} is there once more as ${second.number}`);
    must(second.code === first.code, 'the access code is another one');
  });
  await bunch.step('changed and sent after the way back, it is another message', async () => {
    await author.back();
    await fillMessage(author, message(TEXTS.lives.help));
    await author.press(SUBMIT, { status: 0 });
    if (author.status === 409) {
      await author.says(t('new-sent-before'), '#faults');
      await author.press(SUBMIT);
    }
    const third = await readReceipt(author);
    must(third.number !== first.number, 'another text has the same number');
  });
}

async function sessions(chain, open, board) {
  const author = await open();
  const [clerk, supervisor] = [await open('clerk'), await open('supervisor')];
  let kept;
  let path;
  const sent = message(TEXTS.plain);
  const typed = answer(sent);
  await chain.step('a session that ends while an answer is typed loses nothing', async () => {
    kept = await write(author, sent, PLACES.office);
    path = await openCase(clerk, kept);
    await accept(clerk);
    await clerk.fill({ '#body': typed });
    await clerk.context.clearCookies({ name: /^session/ });
    await clerk.press('form[action$="/reply"] button[value=send]', { status: 401 });
    await clerk.says(TEXTS.reply);
    await clerk.says(t('sign-in-again-lead'));
    const { name, password } = board.accounts.clerk;
    await clerk.fill({ '#name': name, '#password': 'wrong' });
    await clerk.press('main form button', { status: 422 });
    await clerk.says(TEXTS.reply);
    await clerk.fill({ '#name': name, '#password': password });
    await clerk.press('main form button');
    await clerk.says(TEXTS.reply);
    must(await clerk.has('.me a[href="/account"]'), 'after signing in again, the header does not say who one is');
    must(await clerk.has('.main-nav a[href="/desk"]'), 'after signing in again, the header does not lead to the desk');
    must(!(await clerk.has('.me a[href="/sign-in"]')), 'after signing in again, the header offers to sign in');
    await clerk.press('main form button');
    must(clerk.path() === path, `the answer leads to ${clerk.path()}`);
    await clerk.says(TEXTS.reply, '.answer');
  });
  await chain.step('a page that needs a sign-in leads back after it', async () => {
    await clerk.context.clearCookies({ name: /^session/ });
    await clerk.goto(path);
    must(clerk.path() === '/sign-in', `${path} leads to ${clerk.path()} without a session`);
    const { name, password } = board.accounts.clerk;
    await clerk.fill({ '#name': name, '#password': password });
    await clerk.press('main form button');
    must(clerk.path() === path, `the sign-in leads to ${clerk.path()} instead of ${path}`);
  });
  await chain.step('a copied answer is stopped, and goes with a reason', async () => {
    const again = await write(author, message(TEXTS.lives.enquiry), PLACES.office);
    await openCase(clerk, again);
    await clerk.fill({ '#body': typed });
    await clerk.press('form[action$="/reply"] button[value=send]', { status: 422 });
    must((await clerk.value('#body')) === typed, 'an answer that is stopped is lost');
    await clerk.fill({ '#override_reason': TEXTS.reason });
    await clerk.press('form[action$="/reply"] button[value=send]');
    await clerk.says(t('desk-replied'), '.notice');
    await clerk.says(typed, '.answer');
  });
  await chain.step('a case of another office is not there for a clerk', async () => {
    const other = await write(author, message(TEXTS.plain), PLACES.elsewhere);
    await becomesPublic(author, other);
    const case_ = await openCase(supervisor, other);
    for (const it of [case_, `${case_}/transfer`]) await clerk.goto(it, 404);
    await clerk.says(t('page-not-found'));
    await clerk.goto('/review', 404);
    await author.goto(path);
    must(author.path() === '/sign-in', 'a case is open to everybody');
  });
  await chain.step('an answer to a case that was handed on meanwhile is shown, and not sent', async () => {
    const moved = await write(author, message(TEXTS.plain), PLACES.office);
    const there = await openCase(clerk, moved);
    await clerk.fill({ '#body': TEXTS.reply });
    const second = await clerk.context.newPage();
    await second.goto(`${there}/transfer`);
    await second.locator('#q').fill(TEXTS.search.office);
    await second.locator('button[value=find]').click();
    await second.locator(`input[name=office_id][value="${PLACES.below}"]`).check();
    await second.locator('#reason').fill(TEXTS.reason);
    await Promise.all([second.waitForNavigation(), second.locator('button[value=send]').click()]);
    await second.close();
    await clerk.press('form[action$="/reply"] button[value=send]', { status: 0 });
    must([404, 409].includes(clerk.status), `the answer to a case that is gone answers ${clerk.status}`);
    const kept = (await clerk.text()).includes(TEXTS.reply) || (await clerk.value('#body').catch(() => '')) === TEXTS.reply;
    must(kept, 'what was typed is lost');
  });
  await chain.step('signed out, nothing of the desk is there', async () => {
    await clerk.goto('/account');
    await clerk.press('form[action="/sign-out"] button');
    await clerk.says(t('signed-out'), '.notice');
    await clerk.goto(path);
    must(clerk.path() === '/sign-in', 'the desk is open after the sign-out');
  });
  await chain.step('a returned message can be mended only by who has its code', async () => {
    const moderator = await open('moderator');
    const back = await write(author, message(TEXTS.held), PLACES.office);
    await openReview(moderator, back);
    await claim(moderator);
    await returnIt(moderator, 'own_personal_data');
    const stranger = await open();
    await stranger.goto(`/mine/${back.number}`);
    must(stranger.path() === '/mine', 'a returned message is open to everybody');
    await lookUp(author, back);
  });
}
