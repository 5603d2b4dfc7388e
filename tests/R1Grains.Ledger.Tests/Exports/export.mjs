// A second verifier of exports, written from src/R1Grains.Ledger/FORMAT.md alone, with nothing but SHA-256 and ECDSA.
// node export.mjs FOLDER KEY: says VALID, or INVALID and the first reason, and ends with 0 or 1.
import { createHash, createPublicKey, verify as verifySignature } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const [folder, keyFile] = process.argv.slice(2);
const bad = reason => { throw new Error(reason); };
const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const u8 = value => Buffer.from([value]);
const i32 = value => { const bytes = Buffer.alloc(4); bytes.writeInt32BE(value); return bytes; };
const i64 = value => { const bytes = Buffer.alloc(8); bytes.writeBigInt64BE(BigInt(value)); return bytes; };
const str = text => { const bytes = Buffer.from(text, "utf8"); return Buffer.concat([i32(bytes.length), bytes]); };
const hash = text => /^[0-9a-f]{64}$/.test(text) ? Buffer.from(text, "hex") : bad(`${text} is no hash`);
const hex = text => /^([0-9a-f]{2})*$/.test(text) ? Buffer.from(text, "hex") : bad(`${text} is no hex`);
const list = (items, encode) => Buffer.concat([i32(items.length), ...items.map(encode)]);
const opt = (value, encode) => value === null ? u8(0) : Buffer.concat([u8(1), encode(value)]);
const word = (...words) => value => u8(words.indexOf(value) + 1 || bad(`${value} is none of ${words}`));
const time = text => {
  const [, date, micro] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{6})Z$/.exec(text) ?? bad(`${text} is no time`);
  return i64(BigInt(Date.parse(`${date}Z`)) * 1000n + BigInt(micro));
};

// Confidential fields: the commitment, or what it follows from

const forms = {
  text: value => Buffer.from(value, "utf8"),
  labels: value => list(value, label => Buffer.concat([str(label.name), str(label.value)])),
  entries: value => list(value, entry => hex(entry)),
};
const confidential = form => field => field.salt === undefined ? hash(field.commitment) : sha256(u8(3), hex(field.salt), (forms[form] ?? bad("a field that no export opens"))(field.value));
const closed = confidential("closed"), said = confidential("text");

const place = word("input", "answer", "reasoning");
const hits = r => [
  list(r.hits, hit => Buffer.concat([place(hit.place), i32(hit.start), i32(hit.end), str(hit.category), u8(hit.level), word("mask", "review", "replace", "block")(hit.action)])),
  confidential("entries")(r.hit_entries),
  opt(r.personal_data, items => list(items, item => Buffer.concat([place(item.place), i32(item.start), i32(item.end), str(item.kind)]))),
];
const points = list_ => list(list_, point => Buffer.concat([i32(point.tokens), hash(point.numerics)]));
const dataKey = text => {
  const [, subject, period, generation] = /^([0-9a-f]{64})-(\d+)-(\d+)$/.exec(text) ?? bad(`${text} names no key`);
  return Buffer.concat([hex(subject), i32(Number(period)), i32(Number(generation))]);
};

const skeletons = {
  conversation_opened: r => [str(r.request_id), closed(r.request), str(r.caller), word("customer", "conversation")(r.words_of), i32(r.index_key), dataKey(r.data_key),
    str(r.channel), said(r.customer), str(r.agent), str(r.language), confidential("labels")(r.labels), i64(r.idle_timeout_us), hash(r.sealed)],
  turn_opened: r => [str(r.request_id), closed(r.request), time(r.deadline), str(r.caller), said(r.input), str(r.language),
    list(r.passages, passage => Buffer.concat([str(passage.source), str(passage.revision), said(passage.passage)])),
    str(r.model), hash(r.model_hash), str(r.template), str(r.policy), hash(r.policy_hash),
    str(r.temperature), str(r.top_p), i32(r.top_k), str(r.repetition_penalty), i64(BigInt.asIntN(64, BigInt(r.seed))), i32(r.max_tokens), i32(r.reasoning_budget), list(r.stop_strings, str),
    ...["window", "reserved", "policy", "history", "passages", "input", "turns_kept", "turns_dropped"].map(name => i32(r.context[name])),
    i32(r.prompt_tokens), closed(r.prompt), opt(r.numerics, hash), opt(r.lexicon, hash), ...hits(r),
    opt(r.disclosure, told => Buffer.concat([str(told.notice), u8(told.labelled ? 1 : 0)])), hash(r.sealed_prompt), hash(r.sealed)],
  turn_closed: r => [word("completed", "blocked", "cancelled", "interrupted", "failed")(r.outcome), str(r.finish_reason), opt(r.error, said), opt(r.cancelled_by, str),
    i32(r.prompt_tokens), i32(r.reasoning_tokens), i32(r.answer_tokens), closed(r.ids), said(r.reasoning), said(r.answer), opt(r.first_token, time), points(r.resume_points),
    opt(r.lexicon, hash), ...hits(r), opt(r.held, said), hash(r.sealed)],
  conversation_completed: r => [str(r.caller), opt(r.request_id, str), str(r.reason)],
  piece: r => [closed(r.ids), said(r.text), points(r.resume_points), hash(r.sealed)],
};
const kinds = ["piece", "conversation_opened", "turn_opened", "turn_closed", "conversation_completed"];

// The records

function checkRecords(tenant, lines) {
  const leaves = [];
  let conversation = null, open = 0, pieces = 0, running = null, before = null, turns = 0, conversations = 0;
  for (const [at, line] of lines.entries()) {
    const r = JSON.parse(line), kind = kinds.indexOf(r.record), where = `line ${at + 1}`;
    if (kind < 0) bad(`${where} is no record`);
    if (kind === 1) { if (open) bad(`${where}: turn ${open} has no end`); conversation = r.conversation; before = null; conversations++; }
    if (r.conversation !== conversation) bad(`${where} is of another conversation`);
    const skeleton = r.skeleton === undefined ? sha256(...skeletons[r.record](r)) : hash(r.skeleton);
    if (kind === 0) {
      if (r.turn !== open || r.number !== pieces + 1) bad(`${where}: another piece is missing`);
      running = sha256(u8(2), running, i32(r.number), i64(r.epoch), time(r.time), ...skeletons.piece(r));
      if (!running.equals(hash(r.hash))) bad(`${where} has another hash`);
      pieces++;
      continue;
    }
    const turn = r.turn ?? 0;
    if (kind === 3 ? turn !== open : open) bad(`${where}: a turn's beginning or end is missing`);
    if (kind === 2 && r.index !== 2 * turn - 1 || kind === 3 && r.index !== 2 * turn || kind === 1 && r.index !== 0) bad(`${where} does not stand there`);
    if (before && (r.index <= before.index || r.index === before.index + 1 && r.previous !== before.hash)) bad(`${where} does not follow`);
    const leaf = sha256(u8(0), u8(4), u8(kind), str(tenant), str(conversation), i64(r.index), i32(turn), i64(r.epoch), time(r.time), hash(r.previous), skeleton,
      ...(kind === 3 ? [i32(r.pieces), hash(r.pieces_hash)] : []));
    if (!leaf.equals(hash(r.hash))) bad(`${where} has another hash`);
    if (kind === 2) { open = turn; pieces = 0; running = leaf; turns++; }
    if (kind === 3) {
      if ((r.pieces_kept || pieces > 0) && (pieces !== r.pieces || !running.equals(hash(r.pieces_hash)))) bad(`${where}: the turn has other pieces`);
      open = 0;
    }
    before = { index: r.index, hash: r.hash };
    leaves.push({ number: r.leaf, hash: leaf });
  }
  if (open) bad(`turn ${open} has no end`);
  return { leaves: leaves.sort((one, other) => one.number - other.number), conversations, turns };
}

// The proof

const node = (left, right) => sha256(u8(1), left, right);

function rootOf(leaves, proof, size) {
  let leaf = 0, at = 0;
  const next = name => { const line = proof[at++] ?? bad("the proof is too short"); return line[name] === undefined ? bad("the proof has something else there") : line; };
  const root = (start, end) => {
    if (leaf === leaves.length || leaves[leaf].number >= end) return hash(next("node").node);
    if (end - start === 1) {
      const line = next("leaf"), own = leaves[leaf++];
      return own.number === start && line.leaf === start && own.hash.equals(hash(line.hash)) ? own.hash : bad(`leaf ${start} is another one`);
    }
    let cut = 1;
    while (2 * cut < end - start) cut *= 2;
    const left = root(start, start + cut);
    return node(left, root(start + cut, end));
  };
  const top = size === 0 ? sha256() : root(0, size);
  return at === proof.length ? top : bad("the proof is too long, or an entry is missing");
}

// Notes

function signed(note, origin, key) {
  const end = note.lastIndexOf("\n\n"), text = note.slice(0, end + 1);
  if (end < 0) bad("a note without signatures");
  const id = createHash("sha256").update(key.export({ type: "spki", format: "der" })).digest().subarray(0, 4);
  const lines = note.slice(end + 2).split("\n").slice(0, -1).map(line => /^\u2014 (\S+) (\S+)$/.exec(line) ?? bad("no signature")).filter(([, who]) => who === origin);
  const found = lines.map(([, , value]) => Buffer.from(value, "base64").toString("base64") === value ? Buffer.from(value, "base64") : bad("another base64")).filter(bytes => bytes.subarray(0, 4).equals(id));
  if (found.length === 0 || !found.every(bytes => verifySignature("sha256", Buffer.from(text, "utf8"), key, bytes.subarray(4)))) bad("not signed with the key");
  return text;
}

// The key that was given, and the one to which the rotations lead from it

function signersOf(given, rotations) {
  const chain = [];
  for (const [at, base64] of rotations.entries()) {
    const bytes = Buffer.from(base64, "base64"), length = bytes.readInt32BE(1), note = bytes.subarray(5, 5 + length).toString("utf8");
    if (bytes[0] !== 1 || bytes.length !== 6 + length || bytes[5 + length] !== 0) bad("no rotation");
    const [origin, kind, version, ...keys] = note.split("\n").slice(0, 5);
    if (kind !== "signing-key" || version !== `${at + 2}` || at > 0 && keys[0] !== chain[at]) bad("a rotation that does not follow");
    for (const key of keys) signed(note, origin, createPublicKey({ key: Buffer.from(key, "base64"), type: "spki", format: "der" }));
    chain.push(...(at === 0 ? keys : keys.slice(1)));
  }
  return chain.includes(given.export({ type: "spki", format: "der" }).toString("base64"))
    ? [given, createPublicKey({ key: Buffer.from(chain.at(-1), "base64"), type: "spki", format: "der" })]
    : [given];
}

function signedByAny(note, origin, keys) {
  const [first, ...others] = keys;
  try {
    return signed(note, origin, first);
  } catch (reason) {
    return others.length === 0 ? bad(reason.message) : signedByAny(note, origin, others);
  }
}

// Files

const linesOf = text => text === "" ? [] : text.endsWith("\n") ? text.slice(0, -1).split("\n") : bad("a file that ends within a line");

function runningHash(pieces) {
  return pieces.reduce((before, piece) => sha256(before, sha256(Buffer.from(piece, "utf8"))), Buffer.alloc(32));
}

try {
  const key = createPublicKey(readFileSync(keyFile)), manifestBytes = readFileSync(join(folder, "manifest.json")), manifest = JSON.parse(manifestBytes);
  if (manifest.format !== 1 || manifest.record_format !== 4) bad("another format");
  const [origin, size, top] = manifest.checkpoint.split("\n");
  if (!origin.endsWith(`/${encodeURIComponent(manifest.tenant)}`)) bad("a checkpoint of another tenant");
  const keys = signersOf(key, manifest.rotations ?? []);
  signedByAny(manifest.checkpoint, origin, keys);
  if (signedByAny(readFileSync(join(folder, "manifest.note"), "utf8"), origin, keys) !== `${origin}\nexport\n${manifest.export}\n${sha256(manifestBytes).toString("base64")}\n`) bad("another manifest was signed");
  const records = readFileSync(join(folder, "records.jsonl"), "utf8"), proof = readFileSync(join(folder, "proof.jsonl"), "utf8");
  const { leaves, conversations, turns } = checkRecords(manifest.tenant, linesOf(records));
  if (!rootOf(leaves, linesOf(proof).map(line => JSON.parse(line)), Number(size)).equals(Buffer.from(top, "base64"))) bad("another root");
  const pieces = records.split(/(?<=\n)(?=\{"record":"conversation_opened")/);
  for (const [name, text, hash_] of [["records.jsonl", records, records === "" ? Buffer.alloc(32) : runningHash(pieces)], ["proof.jsonl", proof, proof === "" ? Buffer.alloc(32) : runningHash([proof])]]) {
    const stated = manifest.files.find(file => file.name === name) ?? bad(`${name} is not named`);
    if (stated.bytes !== Buffer.byteLength(text) || stated.hash !== hash_.toString("hex")) bad(`${name} is not the file that was exported`);
  }
  if (manifest.counts.conversations !== conversations || manifest.counts.turns !== turns) bad("other counts");
  console.log(`VALID: ${conversations} conversations, ${turns} turns`);
} catch (reason) {
  console.log(`INVALID: ${reason.message}`);
  process.exitCode = 1;
}
