// Every page that there is, and how to come to it.
//
// `open` brings the visitor there; `reset` forgets what was loaded on the way, so that only the last
// page is weighed. `role` is who sees it, `needs` that messages must have been prepared.

import { PREVIEW, SUBMIT, attach, fillMessage } from '../lib/acts.mjs';
import { PHONE, PLACES } from '../lib/board.mjs';
import { FILES, TEXTS, message } from '../lib/stage.mjs';

/** A page that is simply opened. */
const at = (name, path, more = {}) => ({ name, open: ({ visitor }) => visitor.goto(path, more.status ?? 200), ...more });

/** A page of something that was prepared. */
const of = (name, what, path, more = {}) => ({
  name, needs: true, open: ({ visitor, seen }) => visitor.goto(path(seen[what]), more.status ?? 200), ...more,
});

/** A page that comes from a form of the one that `from` opens. */
const sent = (name, from, fill, button, more = {}) => ({
  name,
  async open({ visitor, seen, reset }) {
    await visitor.goto(typeof from === 'string' ? from : from(seen));
    await fill(visitor, seen);
    reset();
    await visitor.press(button, { status: more.status ?? 200, unchecked: true });
  },
  ...more,
});

const nothing = async () => {};
const member = (role) => ({ role, needs: true });
const form = (act) => `form[action$="/${act}"] button`;
const page = (what) => (seen) => seen[what].path;

const PUBLIC = [
  at('home', '/'),
  at('about', '/about'),
  at('offices', '/offices'),
  at('offices of a province', `/offices/${PLACES.province}`),
  at('offices of a city', `/offices/${PLACES.city}`),
  at('offices of a county', `/offices/${PLACES.county}`),
  at('search', '/search'),
  at('search that finds', `/search?q=${encodeURIComponent(TEXTS.search.some)}`),
  at('search with filters', `/search?q=${encodeURIComponent(TEXTS.search.some)}&division=${PLACES.province}&state=replied`),
  at('search that finds nothing', `/search?q=${encodeURIComponent(TEXTS.search.none)}`),
  { name: 'search for too little', open: ({ visitor }) => visitor.goto(`/search?q=${encodeURIComponent(TEXTS.search.short)}`, 0), status: 422 },
  at('figures', '/stats'),
  at('figures of a city', `/stats?division=${PLACES.city}&by=office`),
  at('figures of nothing', '/stats?from=2001-01&to=2001-02'),
  at('office', `/office/${PLACES.office}`),
  at('no such office', '/office/nobody', { status: 404 }),
  of('message that waits', 'waiting', (it) => `/m/${it.number}`),
  of('message with an answer', 'closed', (it) => `/m/${it.number}`),
  of('message with files', 'answered', (it) => `/m/${it.number}`),
  of('message with words left out', 'redacted', (it) => `/m/${it.number}`),
  at('consultations', '/consultations'),
  at('consultations that are over', '/consultations?tab=closed'),
  at('no such consultation', '/consultations/00000000-0000-0000-0000-000000000000', { status: 404 }),
  at('common problems', '/common'),
  at('no such common problem', '/common/00000000-0000-0000-0000-000000000000', { status: 404 }),
  at('model cases', '/model-cases'),
  at('verify', '/verify?endpoint=1'),
  at('sign-in', '/sign-in'),
  sent('sign-in refused', '/sign-in', (v) => v.fill({ '#name': 'nobody-at-all', '#password': 'wrong' }), 'main form button', { status: 422 }),
  at('no such page', '/nowhere', { status: 404 }),
  at('no such message', '/m/0000-0000-0000-0', { status: 404 }),
  at('no such place', '/offices/000001', { status: 404 }),
  at('wrong way to ask', '/sign-out', { status: 405 }),
  sent('form without its cookie', '/mine', async (v) => {
    await v.fill({ '#number': '1', '#code': '1' });
    await v.context.clearCookies();
  }, 'main form button', { status: 403 }),
  sent('form of a page that was open for too long', '/new', async (v) => {
    await v.fill({ '#title': TEXTS.search.some, '#body': TEXTS.reply });
    await v.context.clearCookies({ name: /form/ });
  }, SUBMIT, { status: 403 }),
  sent('form that is too long', '/mine', (v) => v.fill({ '#number': TEXTS.long.repeat(70_000), '#code': '1' }), 'main form button', { status: 413 }),
];

const COLUMNS = [
  at('column', '/c/sample-column'),
  at('column, its card', '/c/sample-column?embed=1'),
  sent('column, with everything wrong', '/c/sample-column', (v) => v.fill({ '#title': 'a', '#phone': '12' }), SUBMIT, { status: 422 }),
  sent('column, preview', '/c/sample-column', (v) => fillMessage(v, message(TEXTS.plain)), PREVIEW),
  at('no such column', '/c/no-such-column', { status: 404 }),
];

const WRITING = [
  at('new', '/new'),
  at('new, with an office', `/new?office=${PLACES.office}`),
  at('new, for a ministry', '/new?office=ministry'),
  sent('new, with a list of offices', '/new', (v) => v.choose('#d1', 'ministries'), 'button[value=pick]'),
  sent('new, with everything wrong', '/new', (v) => v.fill({ '#title': 'a', '#phone': '12' }), SUBMIT, { status: 422 }),
  sent('new, a complaint with everything wrong', '/new', (v) => v.check('#kind-complaint'), SUBMIT, { status: 422 }),
  sent('new, with files', '/new', (v) => attach(v, [FILES.picture, FILES.picture]), 'button[value=pick]'),
  sent('new, with a file that is refused', '/new', (v) => attach(v, [FILES.fake, FILES.picture]), 'button[value=pick]', { status: 422 }),
  sent('preview', `/new?office=${PLACES.office}`, (v) => fillMessage(v, { ...message(TEXTS.lives.help), name: 'A', phone: PHONE }), PREVIEW),
  {
    name: 'receipt',
    async open({ visitor, reset }) {
      await visitor.goto(`/new?office=${PLACES.office}`);
      await fillMessage(visitor, message(TEXTS.plain));
      await visitor.press(SUBMIT);
      reset();
      await visitor.goto('/receipt');
    },
  },
];

const AUTHORS = [
  at('find my message', '/mine'),
  sent('find my message, wrong code', '/mine', (v) => v.fill({ '#number': '0000-0000-0000-0', '#code': '00000-00000' }), 'main form button', { status: 422 }),
  at('find my message, after others', '/mine', member('author')),
  at('find my message, signed in', '/mine', member('citizen')),
  of('my message that waits', 'waiting', (it) => `/mine/${it.number}`, { role: 'author' }),
  of('my message with an answer', 'answered', (it) => `/mine/${it.number}`, { role: 'author' }),
  of('my message, to be erased', 'answered', (it) => `/mine/${it.number}/erase`, { role: 'author' }),
  at('all my messages, to be erased', '/mine/erase', member('citizen')),
  of('my message, returned', 'returned', (it) => `/mine/${it.number}`, { role: 'author' }),
  sent('my message, mended wrongly', (seen) => `/mine/${seen.returned.number}`, (v) => v.fill({ '#title': '', '#body': '' }), form('resubmit'), { ...member('author'), status: 422 }),
  at('account of a citizen', '/account', member('citizen')),
  sent('account, everything wrong', '/account', (v) => v.fill({ '#password': 'x', '#new_password': 'y', '#new_password_again': 'z' }), form('password'), { ...member('citizen'), status: 422 }),
  sent('account, no address', '/account', (v) => v.fill({ '#address': 'nothing' }), form('endpoints'), { ...member('citizen'), status: 422 }),
  at('home of a citizen', '/', member('citizen')),
  at('account of an editor', '/account', member('editor')),
  at('account of an administrator', '/account', member('administrator')),
];

const DESK = [
  at('desk', '/desk', member('clerk')),
  at('desk, all', '/desk?tab=all', member('clerk')),
  at('desk, answered', '/desk?tab=answered', member('clerk')),
  at('account of a clerk', '/account', member('clerk')),
  of('case that waits', 'waiting', (it) => it.path, { role: 'clerk' }),
  of('case in progress', 'accepted', (it) => it.path, { role: 'clerk' }),
  of('case with an answer', 'answered', (it) => it.path, { role: 'clerk' }),
  of('case that is closed', 'closed', (it) => it.path, { role: 'clerk' }),
  sent('case, empty answer', page('accepted'), nothing, form('reply') + '[value=send]', { ...member('clerk'), status: 422 }),
  sent('case, no outcome', page('answered'), nothing, form('close'), { ...member('clerk'), status: 422 }),
  sent('preview of an answer', page('accepted'), (v) => v.fill({ '#body': TEXTS.reply }), form('reply') + '[value=preview]', member('clerk')),
  of('transfer', 'accepted', (it) => `${it.path}/transfer`, { role: 'clerk' }),
  sent('transfer, looking for an office', (seen) => `${seen.accepted.path}/transfer`, (v) => v.fill({ '#q': TEXTS.search.office }), form('transfer') + '[value=find]', member('clerk')),
  sent('transfer, nothing chosen', (seen) => `${seen.accepted.path}/transfer`, nothing, form('transfer') + '[value=send]', { ...member('clerk'), status: 422 }),
  at('desk, watched', '/desk?tab=watched', member('clerk')),
  of('return', 'accepted', (it) => `${it.path}/return`, { role: 'clerk' }),
  sent('return, nothing chosen', (seen) => `${seen.accepted.path}/return`, nothing, form('return') + '[value=send]', { ...member('clerk'), status: 422 }),
  of('help', 'accepted', (it) => `${it.path}/help`, { role: 'clerk' }),
  of('pause', 'accepted', (it) => `${it.path}/pause`, { role: 'clerk' }),
  sent('pause, no question', (seen) => `${seen.accepted.path}/pause`, nothing, form('pause'), { ...member('clerk'), status: 422 }),
  of('extend', 'accepted', (it) => `${it.path}/extend`, { role: 'clerk' }),
  sent('extend, nothing said', (seen) => `${seen.accepted.path}/extend`, nothing, form('extend'), { ...member('clerk'), status: 422 }),
  of('reopen', 'answered', (it) => `${it.path}/reopen`, { role: 'clerk' }),
  of('reopen, too early', 'accepted', (it) => `${it.path}/reopen`, { role: 'clerk' }),
  sent('case, with a promise', page('accepted'), (v) => v.fill({ '#body': TEXTS.reply }), 'button[value=promise]', member('clerk')),
  of('log of a case', 'answered', (it) => `${it.path}/acts`, { role: 'clerk' }),
  of('case of another office', 'elsewhere', (it) => it.path, { role: 'clerk', status: 404 }),
  of('review, for a clerk', 'held', (it) => it.path, { role: 'clerk', status: 404 }),
  at('desk of a supervisor', '/desk', member('supervisor')),
  of('case, for a supervisor', 'accepted', (it) => it.path, { role: 'supervisor' }),
  of('supervise', 'accepted', (it) => `${it.path}/supervise`, { role: 'supervisor' }),
];

/** Today in China, and so many days later, as forms write it. */
const day = (later = 0) => new Date(Date.now() + (8 + 24 * later) * 3_600_000).toISOString().slice(0, 10);

/** Plans a consultation, and leads to its page. */
async function plan(visitor) {
  await visitor.goto('/desk/consultations/new');
  await visitor.fill({
    '#question': TEXTS.lives.help.title, '#description': TEXTS.reply, '#from_on': day(), '#until_on': day(9),
  });
  await visitor.check('main input[name=office_id] >> nth=0');
  await visitor.press('button[value=put]');
}

/** A page of a consultation: planned, then what `buttons` do, then where `to` leads from its path. */
const asked = (name, buttons, to, more = {}) => ({
  name,
  ...member('clerk'),
  async open({ visitor, reset }) {
    await plan(visitor);
    for (const button of buttons) await visitor.press(`button[value=${button}]`);
    const path = visitor.path();
    reset();
    if (to) await visitor.goto(to(path.split('/').pop()));
  },
  ...more,
});

/** A result that can be published. */
async function result(visitor) {
  await plan(visitor);
  for (const button of ['open', 'close']) await visitor.press(`button[value=${button}]`);
  await visitor.fill({ '#summary': TEXTS.reply, '#what-0': TEXTS.reply });
}

const ASKING = [
  at('desk, consultations', '/desk/consultations', member('clerk')),
  at('consultation, new', '/desk/consultations/new', member('clerk')),
  sent('consultation, with everything wrong', '/desk/consultations/new', nothing, 'button[value=put]', { ...member('clerk'), status: 422 }),
  asked('consultation, planned', []),
  asked('consultation, open', ['open']),
  asked('consultation, for everybody', ['open'], (id) => `/consultations/${id}`),
  asked('new, in a consultation', ['open'], (id) => `/new?consultation=${id}`),
  asked('consultation, over', ['open', 'close']),
  {
    name: 'consultation, an empty result',
    ...member('clerk'),
    status: 422,
    async open({ visitor, reset }) {
      await result(visitor);
      await visitor.fill({ '#summary': '', '#what-0': 'x', '#numbers-0': '1' });
      reset();
      await visitor.press('button[value=publish]', { status: 422, unchecked: true });
    },
  },
  {
    name: 'consultation, with its result',
    ...member('clerk'),
    async open({ visitor, reset }) {
      await result(visitor);
      await visitor.press('button[value=publish]');
      const id = visitor.path().split('/').pop();
      reset();
      await visitor.goto(`/consultations/${id}`);
    },
  },
];

const COMMON = [
  at('desk, common problems', '/desk/common', member('clerk')),
  of('group', 'accepted', (it) => `${it.path}/group`, { role: 'clerk' }),
  sent('group, nothing said', (seen) => `${seen.accepted.path}/group`, nothing, form('group'), { ...member('clerk'), status: 422 }),
  at('ratings and precedents', '/desk/supervision', member('supervisor')),
];

const EDITING = [
  at('editing', '/admin', member('editor')),
  at('editing, offices', `/admin/offices?q=${encodeURIComponent(TEXTS.search.office)}`, member('editor')),
  at('editing, an office', `/admin/offices/${PLACES.office}`, member('editor')),
  at('editing, a new office', '/admin/offices/new', member('editor')),
  sent('editing, an office with everything wrong', '/admin/offices/new', nothing, 'main form button', { ...member('editor'), status: 422 }),
  at('editing, competences', '/admin/competences', member('editor')),
  sent('editing, no competence', '/admin/competences', nothing, '.side form button', { ...member('editor'), status: 422 }),
  at('editing, terms', '/admin/terms', member('editor')),
  sent('editing, no term', '/admin/terms', nothing, '.side form button', { ...member('editor'), status: 422 }),
  at('editing, the calendar', `/admin/calendar?year=${day().slice(0, 4)}`, member('editor')),
  sent('editing, a line that nobody can read', '/admin/calendar', (v) => v.fill({ '#calendar': '2027' }), 'main form button', { ...member('editor'), status: 422 }),
  at('editing, model cases', '/admin/model-cases', member('editor')),
  sent('editing, no model case', '/admin/model-cases', nothing, 'form.part button', { ...member('editor'), status: 422 }),
  at('editing, models', '/admin/models', member('editor')),
];

const menu = (role) => ({
  name: `menu of a ${role}`,
  async open({ visitor }) {
    await visitor.goto(role === 'reader' ? '/about' : '/account');
    await visitor.page.locator('.menu').evaluate((it) => { it.open = true; });
  },
  ...(role === 'reader' ? {} : member(role)),
});
const MENUS = [menu('reader'), menu('clerk'), menu('moderator')];

const REVIEW = [
  at('review', '/review', member('moderator')),
  of('review that is free', 'held', (it) => it.path, { role: 'moderator' }),
  of('review that is taken', 'taken', (it) => it.path, { role: 'moderator' }),
  sent('review, preview', page('taken'), nothing, PREVIEW, member('moderator')),
  sent('review, nothing decided', page('taken'), nothing, 'button[value=decide]', { ...member('moderator'), status: 422 }),
  sent('review, words that are not there', page('taken'), (v) => v.fill({ '#words': TEXTS.search.none }), PREVIEW, { ...member('moderator'), status: 422 }),
  sent('review, looking for an office', page('taken'), (v) => v.fill({ '#q': TEXTS.search.office }), 'button[value=find]', member('moderator')),
  of('review, returned', 'returned', (it) => it.path, { role: 'moderator' }),
  of('review, published', 'redacted', (it) => it.path, { role: 'moderator' }),
];

const ENDED = [
  {
    name: 'sign-in again, with what was typed',
    role: 'clerk',
    needs: true,
    status: 401,
    async open({ visitor, seen, reset }) {
      await visitor.goto(seen.accepted.path);
      await visitor.fill({ '#body': TEXTS.reply });
      await visitor.context.clearCookies({ name: /^session/ });
      reset();
      await visitor.press(form('reply') + '[value=send]', { status: 401 });
    },
  },
  {
    name: 'what was typed, after the sign-in',
    role: 'clerk',
    needs: true,
    // Goes on from the page before.
    async open({ visitor, board, reset }) {
      await visitor.fill({ '#name': board.accounts.clerk.name, '#password': board.accounts.clerk.password });
      reset();
      await visitor.press('main form button');
    },
  },
];

/** All of them; those that end a session come last. */
export const PAGES = [...PUBLIC, ...COLUMNS, ...WRITING, ...AUTHORS, ...DESK, ...ASKING, ...COMMON, ...EDITING, ...MENUS, ...REVIEW, ...ENDED];
