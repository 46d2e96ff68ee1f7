// The board under test: where it is and who may sign in.

import { readFileSync } from 'node:fs';

/** The made-up places and offices that `liuyan up` brings along. */
export const PLACES = {
  province: '990000',
  city: '990100',
  county: '990102',
  /** The office that the sample clerk works for. */
  office: '990100-g',
  /** One in a city that is none of the clerk's business. */
  elsewhere: '990200-g',
  /** Where a case of the clerk's can be handed to. */
  below: '990102-g',
};

/** What nobody has as a number, and what looks like one. */
export const PHONE = '13800000000';

/** Reads the line that `liuyan up --output json` prints. */
export function readBoard(file) {
  const said = JSON.parse(readFileSync(file, 'utf8'));
  const accounts = Object.fromEntries(said.accounts.map((account) => [account.role, account]));
  return { origin: new URL(said.http).origin, accounts };
}
