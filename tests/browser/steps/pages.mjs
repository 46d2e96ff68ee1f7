// Every page in both languages, at both sizes, by day and by night.

import {
  accept, becomesPublic, claim, close, lookUp, openCase, openReview,
  publishRedacted, reply, returnIt, signIn, write,
} from '../lib/acts.mjs';
import { PLACES } from '../lib/board.mjs';
import { examine, scales } from '../lib/examine.mjs';
import { FILES, TEXTS, answer, message } from '../lib/stage.mjs';
import { must } from '../lib/report.mjs';
import { DESKTOP, PHONE_SIZE, Visitor } from '../lib/visitor.mjs';
import { PAGES } from './list.mjs';

const ROLES = [
  ['citizen', '/account'], ['clerk', '/desk'], ['supervisor', '/desk'], ['moderator', '/review'],
  ['editor', '/account'], ['administrator', '/account'],
];

/** Puts a message into every state that a page shows, and signs everybody in. */
async function prepare(browser, board, report) {
  const chain = report.chain('pages, before');
  const open = async () => chain.watch(await Visitor.open(browser, board));
  const author = await open();
  const people = {};
  const seen = {};
  const names = [];
  let ready = false;
  await chain.step('everybody signs in', async () => {
    for (const [role, landing] of ROLES) {
      people[role] = await open();
      await signIn(people[role], board.accounts[role], landing);
      // People are called what they are called, in any language. After the name: how many notices wait.
      names.push(await people[role].page.locator('.me a').evaluate((link) => link.firstChild.data.trim()));
    }
  });
  await chain.step('messages are written', async () => {
    for (const name of ['waiting', 'accepted', 'answered', 'closed']) {
      const files = name === 'answered' ? [FILES.picture, FILES.picture] : [];
      seen[name] = await write(author, message(TEXTS.plain), PLACES.office, [], files);
    }
    seen.elsewhere = await write(author, message(TEXTS.plain), PLACES.elsewhere);
    seen.complaint = await write(people.citizen, message(TEXTS.lives.complaint), PLACES.office);
    for (const name of ['held', 'taken', 'returned', 'redacted']) {
      const files = name === 'taken' ? [FILES.picture, FILES.picture] : [];
      seen[name] = await write(author, message(TEXTS.held), PLACES.office, [], files);
    }
  });
  await chain.step('the desk works on them', async () => {
    for (const name of ['waiting', 'accepted', 'answered', 'closed']) {
      seen[name].path = await openCase(people.clerk, seen[name]);
      if (name === 'accepted') await accept(people.clerk);
      if (name === 'answered' || name === 'closed') await reply(people.clerk, answer(seen[name]));
      if (name === 'closed') await close(people.clerk, 'explained');
    }
    await becomesPublic(author, seen.elsewhere);
    // What the clerk finds of another city's cases is what they must not open.
    seen.elsewhere.path = await openCase(people.supervisor, seen.elsewhere);
  });
  await chain.step('the review works on them', async () => {
    for (const name of ['held', 'taken', 'returned', 'redacted']) {
      seen[name].path = await openReview(people.moderator, seen[name]);
      if (name !== 'held') await claim(people.moderator);
      if (name === 'returned') await returnIt(people.moderator, 'own_personal_data');
      if (name === 'redacted') await publishRedacted(people.moderator);
    }
    await becomesPublic(author, seen.redacted);
  });
  ready = await chain.step('their author looks them up', async () => {
    for (const name of ['answered', 'returned', 'waiting']) await lookUp(author, seen[name]);
  });
  const states = { author: await author.context.storageState() };
  for (const [role] of ROLES) states[role] = await people[role]?.context.storageState();
  await chain.end();
  return ready ? { seen, states, names } : undefined;
}

/** The pages in one language, one visitor for each role. */
async function inLanguage(browser, board, report, lang, prepared, shots) {
  const bunch = report.bunch(`pages, ${lang === 'en' ? 'English' : 'Chinese'}`);
  const visitors = new Map();
  const visit = async (role) => {
    if (!visitors.has(role)) {
      const state = prepared?.states[role];
      const visitor = bunch.watch(await Visitor.open(browser, board, { lang, state }));
      visitors.set(role, { visitor, scale: await scales(visitor.page) });
    }
    return visitors.get(role);
  };
  for (const { name, role = 'nobody', open, needs, status = 200 } of PAGES) {
    if (!report.wants(`pages ${name}`) && !report.wants('pages') && !shots) continue;
    await bunch.step(name, async () => {
      if (needs && !prepared) return ['not reached: there are no messages to show'];
      const { visitor, scale } = await visit(role);
      await visitor.page.setViewportSize(DESKTOP);
      const tools = { visitor, seen: prepared?.seen, reset: () => scale.reset(), board };
      scale.reset();
      await open(tools);
      if (status !== visitor.status) return [`it answers ${visitor.status} instead of ${status}`];
      const shoot = shots && (async (size) => {
        const file = `${shots}/${name.replaceAll(/[^a-z0-9]+/g, '-')}.${lang}.${size}.png`;
        await visitor.page.screenshot({ path: file, fullPage: true });
      });
      return examine(visitor.page, {
        lang,
        names: prepared?.names ?? [],
        sizes: { desktop: DESKTOP, phone: PHONE_SIZE },
        bytes: scale.weigh(),
        shoot,
      });
    });
  }
  await bunch.end();
}

/** A page that is spoilt in every way that is looked for: a test that sees nothing proves nothing. */
async function spoilt(browser, board, report) {
  const chain = report.chain('pages, before');
  await chain.step('what is spoilt is seen', async () => {
    const visitor = await Visitor.open(browser, board, { lang: 'en' });
    await visitor.goto('/');
    await visitor.page.evaluate(({ chinese, name }) => {
      const add = (tag, text, style) => {
        const made = document.createElement(tag);
        made.textContent = text;
        Object.assign(made.style, style);
        return document.querySelector('main').appendChild(made);
      };
      add('button', chinese);
      add('p', name);
      add('p', 'pale', { color: '#ddd', backgroundColor: '#fff' });
      add('p', 'wide', { width: '5000px' });
      add('label', 'unbreakable', { display: 'block', width: '3em', overflowWrap: 'anywhere' });
      add('script', 'document.title = "no"');
      add('img', '').src = 'https://elsewhere.invalid/';
      alert('no');
    }, { chinese: TEXTS.chrome, name: 'new-title-field' });
    const wrong = await examine(visitor.page, { lang: 'en', names: [], sizes: { phone: PHONE_SIZE }, bytes: 70_000 });
    const seen = [...wrong, ...visitor.complaints()].join('\n');
    await visitor.leave();
    const expected = [
      'Chinese in a page in English', 'the name new-title-field', 'axe color-contrast', 'axe image-alt',
      'wider than the window', 'it weighs', '“unbreakable” in label', 'script', 'elsewhere.invalid', 'a dialog opens',
    ];
    return expected.filter((it) => !seen.includes(it)).map((it) => `nothing says “${it}”:\n${seen}`);
  });
}

/** The header on a phone, for whom no script runs. */
async function menu(browser, board, report) {
  const chain = report.chain('pages, before');
  await chain.step('on a phone without scripts, the menu leads on', async () => {
    const visitor = chain.watch(await Visitor.open(browser, board, { phone: true, js: false }));
    await visitor.goto('/');
    must(!(await visitor.has('.menu nav')), 'the menu is open before it is asked for');
    await visitor.page.locator('.menu summary').tap();
    for (const path of ['/', '/new', '/mine', '/search', '/stats', '/offices', '/sign-in']) {
      must(await visitor.has(`.menu nav a[href="${path}"]`), `the menu does not lead to ${path}`);
    }
    await visitor.press('.menu nav a[href="/search"]');
    must(visitor.path() === '/search', `the menu leads to ${visitor.path()}`);
    must(!(await visitor.has('.menu nav')), 'the menu stays open');
  });
  await chain.end();
}

/** Every page that there is. */
export async function pages(browser, board, report, shots) {
  await spoilt(browser, board, report);
  await menu(browser, board, report);
  const prepared = await prepare(browser, board, report);
  await Promise.all(['zh-CN', 'en'].map((lang) => inLanguage(browser, board, report, lang, prepared, shots)));
}

