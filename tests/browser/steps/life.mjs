// The life of a message: its author, a moderator, a clerk and everybody else.

import {
  PREVIEW, SUBMIT, accept, becomesPublic, chooseOffice, claim, close, decline, fillMessage, lookUp, openCase,
  openReview, openSeldom, overturn, publishRedacted, readReceipt, reply, returnIt, signIn, write, doAct,
} from '../lib/acts.mjs';
import { PHONE, PLACES } from '../lib/board.mjs';
import { must } from '../lib/report.mjs';
import { TEXTS, answer, message } from '../lib/stage.mjs';
import { Visitor, eventually } from '../lib/visitor.mjs';
import { word } from '../lib/words.mjs';

/** The three ways in which the whole is walked. */
export const WALKS = [
  { name: 'desktop, Chinese', lang: 'zh-CN', kind: 'enquiry' },
  { name: 'desktop without scripts', lang: 'zh-CN', js: false, kind: 'complaint' },
  { name: 'phone, English', lang: 'en', phone: true, kind: 'help' },
];

/** How many messages of the walk's kind the figures count in the clerk's city. */
async function counted(visitor, kind) {
  await visitor.goto(`/stats?division=${PLACES.city}&kind=${kind}`);
  const number = (await visitor.text('.figures .value')).replace(/[^0-9]/g, '');
  must(number !== '', 'the figures have no number of messages');
  return Number(number);
}

/** One whole walk. */
export async function life(browser, board, report, walk) {
  const chain = report.chain(`life, ${walk.name}`);
  const [author, reader, clerk, moderator, reviewer, supervisor] = await Promise.all(
    ['author', 'reader', 'clerk', 'moderator', 'reviewer', 'supervisor'].map(async () => chain.watch(await Visitor.open(browser, board, walk))),
  );
  const t = (name, values) => word(walk.lang, name, values);
  try {
    await plain(chain, { author, reader, clerk }, walk, board, t);
    await held(chain, { author, reader, moderator }, board, t);
    await returned(chain, { author, reader, moderator }, t);
    await appealed(chain, { author, reader, moderator, reviewer }, board, t);
    await hidden(chain, { author, reader, clerk }, t);
    await worked(chain, { author, reader, clerk, supervisor }, board, t);
  } finally {
    await chain.end();
  }
}

async function plain(chain, { author, reader, clerk }, walk, board, t) {
  const sent = message(TEXTS.lives[walk.kind]);
  let before;
  let kept;
  await chain.step('a reader sees the figures', async () => {
    before = await counted(reader, walk.kind);
  });
  await chain.step('an author finds the office list by list', async () => {
    await author.goto('/');
    await author.press('.hero .button[href="/new"]');
    await chooseOffice(author, [PLACES.province, PLACES.city], PLACES.office);
  });
  await chain.step('the preview shows the message, and the way back keeps it', async () => {
    await fillMessage(author, sent);
    await author.press(PREVIEW);
    await author.says(sent.title, 'h1');
    await author.says(sent.body ?? sent.details);
    await author.press('button[name=action][value=edit]');
    for (const name of Object.keys(sent).filter((name) => name !== 'kind')) {
      must((await author.value(`[name=${name}]`)) === sent[name], `${name} is lost on the way back from the preview`);
    }
    must(await author.page.locator(`input[name=office_id][value="${PLACES.office}"]`).isChecked(), 'the office is lost');
  });
  await chain.step('sent, it has a receipt with number and access code', async () => {
    await author.press(SUBMIT);
    kept = await readReceipt(author);
    await author.says(t('receipt-once'));
  });
  await chain.step('number and code show it to its author, on another device, too', async () => {
    await lookUp(author, kept);
    await author.says(sent.title, 'h1');
    const other = reader;
    await lookUp(other, kept);
    await other.press('form[action$="/forget"] button');
    await other.goto(`/mine/${kept.number}`);
    must(other.path() === '/mine', 'the author\'s page is still open after it was closed on this device');
  });
  await chain.step('it becomes public', async () => {
    await becomesPublic(reader, kept);
    await reader.says(sent.title, 'h1');
    await reader.says(t('message-no-answer'));
  });
  await chain.step('a clerk signs in and finds it in the inbox', async () => {
    await signIn(clerk, board.accounts.clerk, '/desk');
    for (const tab of ['open', 'accept', 'progress', 'answered', 'all']) {
      const shown = await clerk.text(`.chips a[href$="tab=${tab}"]`);
      must(shown === t(`desk-${tab}`), `the part ${tab} of the desk is called “${shown}”`);
    }
    await openCase(clerk, kept, 'accept');
    await clerk.says(sent.title, 'h1');
    if (sent.details) await clerk.says(sent.details);
  });
  await chain.step('the clerk accepts it', async () => {
    await accept(clerk);
    await clerk.says(t('desk-accepted'), '.notice');
    await clerk.says(t('state-progress'));
  });
  await chain.step('the clerk sees a preview of the answer, goes back and publishes it', async () => {
    const typed = answer(sent);
    await clerk.fill({ '#body': typed });
    await clerk.press('form[action$="/reply"] button[value=preview]');
    await clerk.says(typed);
    await clerk.press('button[name=action][value=edit]');
    must((await clerk.value('#body')) === typed, 'the answer is lost on the way back from the preview');
    await clerk.press('form[action$="/reply"] button[value=send]');
    await clerk.says(t('desk-replied'), '.notice');
  });
  await chain.step('the clerk closes it', async () => {
    await close(clerk, 'solved');
    await clerk.says(t('desk-closed'), '.notice');
    must(!(await clerk.has('form[action$="/reply"]')), 'a closed case can still be answered');
  });
  await chain.step('the author rates the answer', async () => {
    await eventually('the answer can be rated', async () => {
      await author.goto(`/mine/${kept.number}`);
      return author.has('form[action$="/rate"]');
    });
    for (const [side, mark] of [['resolution', 5], ['attitude', 4], ['speed', 3]]) {
      await author.check(`input[name=${side}][value="${mark}"]`);
    }
    await author.press('form[action$="/rate"] button');
    await author.says(t('rate-done'), '.notice');
    await eventually('the rating is shown', async () => {
      await author.goto(`/mine/${kept.number}`);
      return author.page.locator('input[name=speed][value="3"]').isChecked();
    });
  });
  await chain.step('a reader sees answer, timeline and who has held it', async () => {
    await eventually('the public page has the answer and the end', async () => {
      await reader.goto(`/m/${kept.number}`);
      return (await reader.has('.answer')) && (await reader.count('.timeline li')) >= 5;
    });
    await reader.says(TEXTS.reply, '.answer');
    await reader.says(t('step-closed', { outcome: t('outcome-solved') }), '.timeline');
    must((await reader.count('svg.custody rect')) > 0, 'nothing shows who has held it');
    must((await reader.page.locator('svg.custody').boundingBox()).height > 10, 'the picture of who has held it is not seen');
  });
  await chain.step('the figures count it', async () => {
    await eventually(`more than ${before} messages are counted`, async () => (await counted(reader, walk.kind)) > before);
  });
}

async function held(chain, { author, reader, moderator }, board, t) {
  const sent = message(TEXTS.held);
  let kept;
  await chain.step('a message with a phone number is held', async () => {
    kept = await write(author, sent, PLACES.office);
    await lookUp(author, kept);
    await author.says(t('mine-in-review'));
  });
  await chain.step('a moderator signs in, takes it, and sees what the rules found', async () => {
    await signIn(moderator, board.accounts.moderator, '/review');
    await openReview(moderator, kept);
    await claim(moderator);
    await moderator.says(PHONE, 'main .text mark.redact');
    must(await moderator.page.locator('.notes input[name=redact]').first().isChecked(), 'what the rules propose is not ticked');
  });
  await chain.step('the preview of the public text has no number', async () => {
    await moderator.press(PREVIEW);
    const shown = await moderator.text('section.answer');
    must(shown.includes(TEXTS.redacted) && !shown.includes(PHONE), `the preview says: ${shown}`);
  });
  await chain.step('the moderator publishes it without the number', async () => {
    await publishRedacted(moderator);
    await moderator.says(t('review-decided'), '.notice');
  });
  await chain.step('no public page has the number', async () => {
    await becomesPublic(reader, kept);
    must((await reader.text()).includes(TEXTS.redacted), 'nothing shows that something was left out');
    for (const path of [`/m/${kept.number}`, '/', `/search?q=${PHONE}`]) {
      await reader.goto(path);
      const shown = (await reader.page.content()).replace(/value="13800000000"/g, '');
      const named = path.startsWith('/search') ? shown.includes(kept.number) : shown.includes(PHONE);
      must(!named, `${path} gives the number away`);
    }
  });
}

async function returned(chain, { author, reader, moderator }, t) {
  const sent = message(TEXTS.returned);
  let kept;
  let words;
  await chain.step('a moderator returns a message with a ground', async () => {
    kept = await write(author, sent, PLACES.office);
    await openReview(moderator, kept);
    await claim(moderator);
    words = await returnIt(moderator, 'own_personal_data');
  });
  await chain.step('its author sees why', async () => {
    await eventually('the author is told', async () => {
      await author.goto(`/mine/${kept.number}`);
      return author.has('#mend');
    });
    await author.says(t('mine-why-returned'), '.notice.warn');
    await author.says(words, '.notice.warn');
    must((await reader.goto(`/m/${kept.number}`, 0)) === 404, 'a returned message is public');
  });
  await chain.step('the author mends it and sends it again, and it becomes public', async () => {
    await author.fill({ '#body': TEXTS.mended });
    await author.press('form[action$="/resubmit"] button');
    await author.says(t('mine-resubmitted'), '.notice');
    await becomesPublic(reader, kept);
    await reader.says(TEXTS.mended);
  });
}

async function appealed(chain, { author, reader, moderator, reviewer }, board, t) {
  const sent = message(TEXTS.appealed);
  let kept;
  let words;
  await chain.step('a moderator declines a message with a ground', async () => {
    kept = await write(author, sent, PLACES.office);
    await openReview(moderator, kept);
    await claim(moderator);
    words = await decline(moderator, 'out_of_remit');
  });
  await chain.step('its author sees why, and appeals', async () => {
    await eventually('the author is told', async () => {
      await author.goto(`/mine/${kept.number}`);
      return author.has('#appeal');
    });
    await author.says(t('mine-why-declined'), '.notice.warn');
    await author.says(words, '.notice.warn');
    await author.fill({ '#appeal': TEXTS.appeal });
    await author.press('form[action$="/appeal"] button');
    await author.says(t('appeal-done'), '.notice');
    await author.says(t('appeal-open'));
    must(!(await author.has('#appeal')), 'an author can appeal twice');
  });
  await chain.step('who declined it can not decide on the appeal', async () => {
    await openReview(moderator, kept);
    await moderator.says(TEXTS.appeal);
    await moderator.press('form[action$="/claim"] button', { status: 403 });
    must(!(await moderator.has('button[value=decide]')), 'the first moderator holds the appeal');
  });
  await chain.step('another moderator sees decision and reason, and publishes it', async () => {
    await signIn(reviewer, board.accounts.reviewer, '/review');
    await openReview(reviewer, kept);
    await reviewer.says(words);
    await reviewer.says(TEXTS.appeal);
    await claim(reviewer);
    await overturn(reviewer, TEXTS.overturned);
  });
  await chain.step('everybody reads it, and its author the reason', async () => {
    await becomesPublic(reader, kept);
    await author.goto(`/mine/${kept.number}`);
    await author.says(t('appeal-overturned'));
    await author.says(TEXTS.overturned);
  });
}

async function hidden(chain, { author, reader, clerk }, t) {
  const sent = message(TEXTS.plain);
  let kept;
  await chain.step('a private message is on the desk and on no public page', async () => {
    kept = await write(author, sent, PLACES.office, ['input[name=visibility][value=private]']);
    await openCase(clerk, kept, 'accept');
    await clerk.says(t('desk-private-note'));
    must((await reader.goto(`/m/${kept.number}`, 0)) === 404, 'a private message is public');
    await reader.goto(`/search?q=${encodeURIComponent(sent.title)}`);
    must((await reader.count('.card')) === 0, 'a private message is found by a search');
  });
  await chain.step('the clerk reads the private message and answers it', async () => {
    await clerk.says(sent.title, 'h1');
    await clerk.says(sent.body);
    await reply(clerk, answer(sent));
    await clerk.says(t('desk-replied'), '.notice');
  });
  await chain.step('the author alone sees the answer', async () => {
    await eventually('the author sees the answer', async () => {
      await author.goto(`/mine/${kept.number}`);
      return author.has('.answer');
    });
    must((await reader.goto(`/m/${kept.number}`, 0)) === 404, 'a private message is public once it is answered');
  });
}

async function worked(chain, { author, reader, clerk, supervisor }, board, t) {
  const sent = message(TEXTS.plain);
  const day = new Date(Date.now() + 9 * 86_400_000).toISOString().slice(0, 10);
  let kept;
  let path;
  await chain.step('a clerk asks the author for more, and everybody sees that it waits', async () => {
    kept = await write(author, sent, PLACES.office);
    path = await openCase(clerk, kept, 'accept');
    await accept(clerk);
    await openSeldom(clerk, 'pause');
    await doAct(clerk, { '#question': TEXTS.question });
    await clerk.says(t('desk-paused'), '.notice');
    await clerk.says(TEXTS.question);
    await reader.goto(`/m/${kept.number}`);
    await reader.says(t('state-paused'));
    must(!(await reader.text()).includes(TEXTS.question), 'the question to the author is public');
  });
  await chain.step('the author reads the question and has told more', async () => {
    await lookUp(author, kept);
    await author.says(TEXTS.question, '.notice.warn');
    await author.press('form[action$="/resume"] button');
    await author.says(t('mine-resumed'), '.notice');
    await author.says(t('step-resumed'), '.timeline');
  });
  await chain.step('the clerk takes more time and asks an office to help', async () => {
    await clerk.goto(path);
    await openSeldom(clerk, 'extend');
    await doAct(clerk, { '#days': '5', '#reason': TEXTS.reason });
    await clerk.says(t('desk-extended'), '.notice');
    await openSeldom(clerk, 'help');
    await clerk.check(`input[name=office_id][value="${PLACES.below}"]`);
    await doAct(clerk, { '#reason': TEXTS.reason });
    await clerk.says(t('message-helpers'), '.facts');
  });
  await chain.step('the answer promises something, and the preview has the word of the gate', async () => {
    await clerk.fill({ '#body': answer(sent) });
    await clerk.press('button[name=action][value=promise]');
    await clerk.fill({ '#due-1': day, '#what-1': TEXTS.promise });
    await clerk.press('form[action$="/reply"] button[value=preview]');
    await clerk.says(TEXTS.promise, '.answer');
    await clerk.says(t('desk-gate-pass'));
    await clerk.press('form[action$="/reply"] button[value=send]');
    await clerk.says(t('desk-replied'), '.notice');
    await reader.goto(`/m/${kept.number}`);
    await reader.says(TEXTS.promise, '.promises');
    await reader.says(t('promise-open'), '.promises');
  });
  await chain.step('the clerk corrects the answer and keeps the promise', async () => {
    await clerk.press('a[href$="/correct"]');
    await doAct(clerk, { '#body': answer(sent), '#reason': TEXTS.reason });
    await clerk.says(t('desk-corrected'), '.notice');
    await clerk.press('a[href$="/kept"]');
    await doAct(clerk, { '#reason': TEXTS.reason });
    await clerk.says(t('desk-kept'), '.notice');
    await reader.goto(`/m/${kept.number}`);
    await reader.says(t('promise-kept'), '.promises');
    await reader.says(t('message-corrected'), '.answer');
  });
  await chain.step('the author asks on, and the clerk has to answer again', async () => {
    await author.goto(`/mine/${kept.number}`);
    await author.page.locator('details.ask-on').evaluate((it) => { it.open = true; });
    await author.press('form[action$="/follow-up"] button', { status: 422 });
    await author.says(t('follow-up-choose'), '.fault');
    await author.check('input[name=ground][value=unclear]');
    await author.press('form[action$="/follow-up"] button');
    await author.says(t('follow-up-done'), '.notice');
    await clerk.goto(path);
    await reply(clerk, answer(sent));
    await clerk.says(t('desk-replied'), '.notice');
  });
  await chain.step('a supervisor watches it and reads what was done', async () => {
    await signIn(supervisor, board.accounts.supervisor, '/desk');
    await supervisor.goto(path);
    await supervisor.press('a[href$="/supervise"]');
    await doAct(supervisor, { '#reason': TEXTS.reason });
    await supervisor.says(t('desk-supervised'), '.notice');
    await openCase(supervisor, kept, 'watched');
    await supervisor.press('a[href$="/acts"]');
    for (const act of ['paused', 'resumed', 'extended', 'helper-invited', 'replied', 'corrected', 'promise-kept', 'follow-up', 'supervised']) {
      await supervisor.says(t(`act-${act}`), '.log');
    }
  });
  await chain.step('the office has its figures', async () => {
    await reader.goto(`/office/${PLACES.office}`);
    await reader.says(t('office-promises'), '.figures');
  });
}
