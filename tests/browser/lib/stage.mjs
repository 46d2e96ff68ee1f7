// The messages of one run: each has a name that no other run has.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PHONE } from './board.mjs';

export const TEXTS = JSON.parse(readFileSync(join(import.meta.dirname, '../texts.json'), 'utf8'));

// A PNG of four by four grey points.
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAIAAAAmkwkpAAAAEElEQVR4nGOoaOqBIwbiOAB40hhhK9FxFgAAAABJRU5ErkJggg==';

/** What authors attach: a picture, and something that is none although it says so. */
export const FILES = {
  picture: { name: 'street.png', mimeType: 'image/png', buffer: Buffer.from(PNG, 'base64') },
  fake: { name: 'street.png', mimeType: 'image/png', buffer: Buffer.from('MZ this is a program') },
};

let told = 0;

/** A mark in letters that rules take for no number; a new one at each call. */
function mark() {
  told += 1;
  const now = `${Date.now().toString().slice(-8)}${told}`;
  return [...now].map((digit) => TEXTS.digits[Number(digit)]).join('');
}

/** Characters in an order that no other message has, so that no rule takes one for a copy of another. */
function aside(length) {
  const pool = [...TEXTS.aside];
  return Array.from({ length }, () => pool[Math.floor(Math.random() * pool.length)]).join('');
}

/** An answer of an office to a message: it speaks of it and is like no other one, as the gate wants. */
export const answer = ({ title }) => `${title}：${TEXTS.reply}${aside(TEXTS.reply.length)}`;

/** A message to send: the text, told apart from all others by its title and by what it ends with. */
export function message(text) {
  const made = { ...text, title: `${text.title} ${mark()}` };
  const main = made.body ? 'body' : 'details';
  made[main] = `${made[main].replaceAll('{phone}', PHONE)}\n${aside(made[main].length * 2)}`;
  return made;
}
