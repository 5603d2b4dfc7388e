// A second verifier, written from src/R1Grains.Ledger/FORMAT.md alone, with nothing but SHA-256 and ECDSA, and AES where it
// is given keys. Reads one JSON object from the standard input: the rows of a record, the public key, proofs that were given
// out, maybe the root key and the wrapped keys. Says VALID, or INVALID and the first reason, and ends with 0 or 1.
import { createDecipheriv, createHash, createPublicKey, verify as verifySignature } from "node:crypto";
import { readFileSync } from "node:fs";

const ZEROS = Buffer.alloc(32);

const bad = reason => { throw new Error(reason); };
const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const hex = text => Buffer.from(text, "hex");
const u8 = value => Buffer.from([value]);
const i32 = value => { const bytes = Buffer.alloc(4); bytes.writeInt32BE(value); return bytes; };
const i64 = value => { const bytes = Buffer.alloc(8); bytes.writeBigInt64BE(BigInt(value)); return bytes; };
const str = text => { const bytes = Buffer.from(text, "utf8"); return Buffer.concat([i32(bytes.length), bytes]); };

// The chain of a conversation

const leafOf = (tenant, conversation, index, entry, previous) => sha256(
  u8(0), u8(entry.format), u8(entry.kind), str(tenant), str(conversation), i64(index), i32(entry.turn), i64(entry.epoch), i64(entry.time),
  previous, sha256(hex(entry.skeleton)), ...(entry.kind === 3 ? [i32(entry.pieceCount), hex(entry.piecesHash)] : []));

function checkConversation(conversation, key, keys) {
  let previous = ZEROS, running = ZEROS, pieces = [...conversation.pieces], held = 0, said = "", dataKey = null;
  conversation.entries.forEach((entry, index) => {
    const where = `${conversation.tenant}/${conversation.name} entry ${index}`;
    if (entry.index !== index) bad(`${where} is missing`);
    if (entry.kind === 3) {
      for (held = 0; pieces[0]?.turn === entry.turn; held++) {
        const piece = pieces.shift();
        running = sha256(u8(2), running, i32(piece.number), i64(piece.epoch), i64(piece.time), hex(piece.skeleton));
        if (piece.number !== held + 1 || !running.equals(hex(piece.hash))) bad(`${where} piece ${held + 1}`);
        const fields = checkSealed(pieceSkeleton(hex(piece.skeleton)), hex(piece.sealed), dataKey, place(3, conversation, 0, entry.turn, piece.number, dataKey), `${where} piece ${held + 1}`);
        if (fields) said += fields[1].toString("utf8");
      }
      if (held !== entry.pieceCount || !running.equals(hex(entry.piecesHash))) bad(`${where} was closed over other pieces`);
    }
    const leaf = leafOf(conversation.tenant, conversation.name, index, entry, previous);
    if (!leaf.equals(hex(entry.hash))) bad(`${where} has another hash`);
    if (entry.receipt) checkReceipt(conversation, index, leaf, entry, key, where);
    previous = leaf;
    if (entry.kind === 4) return;
    const skeleton = entrySkeleton(entry.kind, hex(entry.skeleton));
    if (entry.kind === 1) dataKey = keys?.find(conversation.tenant, skeleton.dataKey) ?? null;
    const fields = checkSealed(skeleton, hex(entry.sealed), dataKey, place(1, conversation, entry.kind, entry.turn, 0, dataKey), where);
    if (entry.kind === 2) {
      running = leaf; said = "";
      if (!sha256(hex(entry.prompt)).equals(skeleton.prompt)) bad(`${where} has another prompt`);
      const ids = open(hex(entry.prompt), dataKey, place(2, conversation, 2, entry.turn, 0, dataKey), where);
      if (ids && (ids.length !== 4 * skeleton.promptCount || !sha256(ids).equals(fields[skeleton.promptHash]))) bad(`${where} commits to another prompt`);
    }
    if (entry.kind === 3 && fields && fields[skeleton.answer].toString("utf8") !== said) bad(`${where} has an answer that is not its pieces`);
  });
}

// The administrative chain of a tenant

function checkAdministration(chain, hashes) {
  let previous = ZEROS;
  chain.documents = new Map();
  chain.records.forEach((record, index) => {
    const where = `administrative record ${index} of ${chain.tenant}`;
    if (record.index !== index || record.format !== 1) bad(`${where} is missing`);
    const leaf = leafOf(chain.tenant, "", index, { format: 1, kind: 5, turn: 0, epoch: 0, time: record.time, skeleton: record.payload }, previous);
    if (!leaf.equals(hex(record.hash))) bad(`${where} has another hash`);
    hashes.set(`${chain.tenant} 2 0 ${index}`, leaf);
    previous = leaf;
    const r = new Reader(hex(record.payload));
    r.str(); r.str(); r.str(); r.str(); r.list(() => { r.str(); r.str(); });
    r.list(() => { const kind = r.str(), id = r.str(); r.i64(); chain.documents.set(`${kind} ${id}`, r.opt(() => r.hash())); });
  });
}

function checkDocument(kind, id, content, chain) {
  if (!chain.documents.get(`${kind} ${id}`)?.equals(sha256(content))) bad(`the ${kind} ${id} is not what the records made it`);
}

// Skeletons: which hashes in them are commitments, and what they end with

class Reader {
  constructor(bytes) { this.bytes = bytes; this.at = 0; this.commitments = []; }
  take(length) { this.at += length; return this.at <= this.bytes.length ? this.bytes.subarray(this.at - length, this.at) : bad("a skeleton that is cut"); }
  u8() { return this.take(1)[0]; }
  i32() { return this.take(4).readInt32BE(); }
  i64() { return this.take(8); }
  hash() { return this.take(32); }
  str() { return this.take(this.i32()); }
  opt(read) { const present = this.u8(); return present === 1 ? read() : present === 0 ? null : bad("a presence byte that is none"); }
  list(read) { for (let count = this.i32(); count > 0; count--) read(); }
  confidential() { return this.commitments.push(this.hash()) - 1; }
  points() { this.list(() => { this.i32(); this.hash(); }); }
  hits() { this.list(() => { this.u8(); this.i32(); this.i32(); this.str(); this.u8(); this.u8(); }); this.confidential(); }
  items() { this.opt(() => this.list(() => { this.u8(); this.i32(); this.i32(); this.str(); })); }
  end() { this.sealed = this.hash(); return this.at === this.bytes.length ? this : bad("a skeleton with bytes too many"); }
}

function entrySkeleton(kind, bytes) {
  const r = new Reader(bytes);
  if (kind === 1) {
    r.str(); r.confidential(); r.str(); r.u8(); r.i32(); r.dataKey = r.take(40); r.str(); r.confidential(); r.str(); r.str(); r.confidential(); r.i64();
  } else if (kind === 2) {
    r.str(); r.confidential(); r.i64(); r.str(); r.confidential(); r.str();
    r.list(() => { r.str(); r.str(); r.confidential(); });
    r.str(); r.hash(); r.str(); r.str(); r.hash();
    r.str(); r.str(); r.i32(); r.str(); r.i64(); r.i32(); r.i32(); r.list(() => r.str());
    for (let i = 0; i < 8; i++) r.i32();
    r.promptCount = r.i32(); r.promptHash = r.confidential();
    r.opt(() => r.hash()); r.opt(() => r.hash()); r.hits(); r.items(); r.opt(() => { r.str(); r.u8(); }); r.prompt = r.hash();
  } else if (kind === 3) {
    r.u8(); r.str(); r.opt(() => r.confidential()); r.opt(() => r.str()); r.i32(); r.i32(); r.i32();
    r.confidential(); r.confidential(); r.answer = r.confidential(); r.opt(() => r.i64()); r.points();
    r.opt(() => r.hash()); r.hits(); r.items(); r.opt(() => r.confidential());
  } else bad(`an entry of kind ${kind}`);
  return r.end();
}

function pieceSkeleton(bytes) {
  const r = new Reader(bytes);
  r.confidential(); r.confidential(); r.points();
  return r.end();
}

// What is sealed

const place = (group, conversation, kind, turn, number, dataKey) => dataKey && Buffer.concat(
  [u8(group), str(conversation.tenant), str(conversation.name), u8(kind), i32(turn), i32(number), dataKey.id]);

function decrypt(bytes, key, associated, what) {
  const cipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12));
  cipher.setAAD(associated).setAuthTag(bytes.subarray(-16));
  try { return Buffer.concat([cipher.update(bytes.subarray(12, -16)), cipher.final()]); } catch { return bad(`${what} does not open`); }
}

const open = (bytes, dataKey, where, what) => dataKey && decrypt(bytes, dataKey.key, where, what);

function checkSealed(skeleton, bytes, dataKey, where, what) {
  if (!sha256(bytes).equals(skeleton.sealed)) bad(`${what} has other sealed fields`);
  const plain = open(bytes, dataKey, where, what);
  if (!plain) return null;
  const fields = [];
  for (let at = 0; at < plain.length;) {
    const length = plain.readInt32BE(at + 16), field = plain.subarray(at + 20, at + 20 + length);
    if (!sha256(u8(3), plain.subarray(at, at + 16), field).equals(skeleton.commitments[fields.length])) bad(`${what} field ${fields.length} is not the one committed to`);
    fields.push(field); at += 20 + length;
  }
  return fields.length === skeleton.commitments.length ? fields : bad(`${what} has ${fields.length} confidential fields`);
}

class Keys {
  constructor({ root, wrapped }) { this.root = Buffer.from(root, "base64"); this.wrapped = wrapped; }
  unwrap(tenant, name, by) {
    const bytes = hex(this.wrapped.find(key => key.tenant === tenant && key.name === name)?.wrapped ?? bad(`key ${name} is missing`));
    if (bytes[0] === 0) return null;
    return decrypt(bytes.subarray(5), by(bytes.readUInt32BE(1)), Buffer.concat([bytes.subarray(0, 5), str(tenant), str(name)]), name);
  }
  ofTenant(tenant, version) {
    return this.unwrap(tenant, `tenant-${version}`, id => id === sha256(Buffer.from("r1grains root key"), this.root).readUInt32BE(0) ? this.root : bad("another root key"));
  }
  find(tenant, id) {
    const key = this.unwrap(tenant, `data-${id.subarray(0, 32).toString("hex")}-${id.readInt32BE(32)}-${id.readInt32BE(36)}`, version => this.ofTenant(tenant, version));
    return key && { id, key };
  }
}

// Notes

const NUMBER = /^(0|[1-9][0-9]*)$/;

function bytesOf(base64) {
  const bytes = Buffer.from(base64, "base64");
  return bytes.toString("base64") === base64 ? bytes : bad(`${base64} is not base64 as it must be`);
}

function parseNote(note) {
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note) || !note.endsWith("\n")) bad("a note with control characters, or without an end");
  const end = note.lastIndexOf("\n\n");
  if (end < 0) bad("a note without signatures");
  return { text: note.slice(0, end + 1), lines: note.slice(end + 2).split("\n").slice(0, -1) };
}

function signed(text, lines, name, key) {
  const id = createHash("sha256").update(key.export({ type: "spki", format: "der" })).digest().subarray(0, 4);
  let found = false;
  for (const line of lines) {
    const [, who, value] = /^\u2014 ([^\s+]+) (\S+)$/.exec(line) ?? bad("a line beneath a note is no signature");
    const bytes = bytesOf(value);
    if (who !== name || !bytes.subarray(0, 4).equals(id)) continue;
    if (!verifySignature("sha256", Buffer.from(text, "utf8"), key, bytes.subarray(4))) return false;
    found = true;
  }
  return found;
}

// Who may sign: the key that was handed out, and those to which the record's rotations lead from it

class Signers {
  constructor(given, rotations) {
    this.known = [{ key: given, end: null }];
    rotations.sort((one, other) => one.id - other.id);
    let previous = null;
    const chain = rotations.map(({ id, content }, i) => {
      const r = new Reader(hex(content)), what = `the rotation ${id}`;
      if (r.u8() !== 1) bad(`${what} is of another format`);
      const note = parseNote(r.str().toString("utf8"));
      const [origin, kind, version, before, after, , rest] = note.text.split("\n");
      if (kind !== "signing-key" || version !== id || version !== `${i + 2}` || rest !== "") bad(`${what} is none`);
      if (previous !== null && previous !== before) bad(`${what} goes on from another key`);
      previous = after;
      const [from, to] = [before, after].map(key => createPublicKey({ key: bytesOf(key), format: "der", type: "spki" }));
      if (!signed(note.text, note.lines, origin, from) || !signed(note.text, note.lines, origin, to)) bad(`${what} is not signed by both keys`);
      const end = r.opt(() => {
        const ended = parseNote(r.str().toString("utf8")), time = r.i64().readBigInt64BE(), sizes = new Map();
        r.list(() => { const tree = r.str().toString("utf8"); sizes.set(tree, r.i64().readBigInt64BE()); });
        const lines = [...sizes].map(([tree, size]) => `${tree} ${size}\n`).join("");
        if (ended.text !== `${origin}\nsigning-key-end\n${version}\n${time}\n${sizes.size} ${sha256(Buffer.from(lines)).toString("base64")}\n` || !signed(ended.text, ended.lines, origin, to)) bad(`the end of ${what} is not signed`);
        return { time, sizes };
      });
      return { from, to, end };
    });
    const is = one => other => one.equals(other);
    const keys = chain.length === 0 ? [] : [chain[0].from, ...chain.map(link => link.to)];
    if (!keys.some(is(given))) return;
    this.known = keys.map((key, i) => ({ key, end: chain[i]?.end ?? null }));
  }
  signed(text, lines, name, within) { return this.known.some(({ key, end }) => (end === null || within(end)) && signed(text, lines, name, key)); }
  checkpoint(text, lines, origin, size) { return this.signed(text, lines, origin, end => BigInt(size) <= (end.sizes.get(origin) ?? 0n)); }
  note(text, lines, name, time) { return this.signed(text, lines, name, end => BigInt(time) <= end.time); }
}

function parseCheckpoint(note, origin, key) {
  const { text, lines } = parseNote(note);
  const [name, size, root, rest, ...more] = text.split("\n");
  if (more.length > 0 || rest !== "" || !NUMBER.test(size)) bad("a checkpoint that is not three lines");
  if (name !== origin) bad(`a checkpoint of ${name} in the tree of ${origin}`);
  if (!key.checkpoint(text, lines, origin, size)) bad(`the checkpoint for ${size} leaves is not signed`);
  return { size: Number(size), root: bytesOf(root) };
}

function checkReceipt(conversation, index, leaf, entry, key, where) {
  const origin = /^\u2014 (\S+) /.exec(entry.receipt)?.[1] ?? bad(`${where}: its receipt is no line`);
  const escaped = encodeURIComponent(conversation.name).replace(/[!'()*]/g, letter => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
  const text = `${origin}\nreceipt\n${escaped}\n${index}\n${leaf.toString("base64")}\n${entry.time}\n`;
  if (!key.note(text, [entry.receipt], origin, entry.time)) bad(`${where}: its receipt is not signed`);
}

// The tree

const node = (left, right) => sha256(u8(1), left, right);

function cut(count) { let k = 1; while (2 * k < count) k *= 2; return k; }

const root = leaves => leaves.length === 0 ? sha256() : leaves.length === 1 ? leaves[0]
  : node(root(leaves.slice(0, cut(leaves.length))), root(leaves.slice(cut(leaves.length))));

function checkTree(tree, hashes, key) {
  const leaves = tree.leaves.map((leaf, number) => {
    if (leaf.number !== number) bad(`leaf ${number} of ${tree.tenant} is missing`);
    const known = hashes.get(`${tree.tenant} ${leaf.kind} ${leaf.owner} ${leaf.index}`);
    return known ?? bad(`leaf ${number} of ${tree.tenant} stands for nothing of the tenant`);
  });
  let level = leaves, count = 0;
  for (let height = 0; level.length > 0; height++) {
    const above = [];
    for (let first = 0; first < level.length; first += 256) {
      const tile = tree.tiles.find(one => one.level === height && one.number === first / 256) ?? bad(`tile ${first / 256} of level ${height} is missing`);
      const expected = level.slice(first, first + 256);
      if (!hex(tile.hashes).equals(Buffer.concat(expected))) bad(`tile ${first / 256} of level ${height} holds other hashes`);
      if (expected.length === 256) above.push(root(expected));
      count++;
    }
    level = above;
  }
  if (tree.tiles.length !== count) bad(`${tree.tenant} has ${tree.tiles.length} tiles in the place of ${count}`);
  if (tree.size !== leaves.length) bad(`the tree of ${tree.tenant} says that it has ${tree.size} leaves`);
  const edge = [];
  for (let bit = 1, end = leaves.length; bit <= leaves.length; bit *= 2) {
    if (Math.floor(leaves.length / bit) % 2 === 1) { edge.push(root(leaves.slice(end - bit, end))); end -= bit; }
  }
  if (!hex(tree.edge).equals(Buffer.concat(edge))) bad(`the edge of ${tree.tenant} is another one`);
  for (const { size: stored, note } of tree.checkpoints) {
    const { size, root: claimed } = parseCheckpoint(note, tree.origin, key);
    if (size !== stored || size > leaves.length) bad(`a checkpoint for ${size} leaves, ${stored} and ${leaves.length}`);
    if (!root(leaves.slice(0, size)).equals(claimed)) bad(`the checkpoint for ${size} leaves has another root`);
  }
  return leaves;
}

// Proofs, as RFC 9162 checks them

function checkInclusion({ leafHash, leaf, hashes, checkpoint, origin }, key) {
  const { size, root: top } = parseCheckpoint(checkpoint, origin, key);
  if (leaf >= size) bad("a proof of a leaf that is not in its tree");
  let fn = leaf, sn = size - 1, r = hex(leafHash);
  for (const p of hashes.map(hex)) {
    if (sn === 0) bad("an inclusion proof that is too long");
    if (fn % 2 === 1 || fn === sn) {
      r = node(p, r);
      while (fn % 2 === 0 && fn !== 0) { fn = Math.floor(fn / 2); sn = Math.floor(sn / 2); }
    } else r = node(r, p);
    fn = Math.floor(fn / 2); sn = Math.floor(sn / 2);
  }
  if (sn !== 0 || !r.equals(top)) bad(`the inclusion proof of leaf ${leaf} does not hold`);
}

function checkConsistency({ first, firstRoot, hashes, checkpoint, origin }, key) {
  const { size: second, root: secondRoot } = parseCheckpoint(checkpoint, origin, key);
  const path = hashes.map(hex), old = hex(firstRoot);
  if (first === second) {
    if (path.length > 0 || !old.equals(secondRoot)) bad("two trees of one size differ");
    return;
  }
  if (Number.isInteger(Math.log2(first))) path.unshift(old);
  let fn = first - 1, sn = second - 1;
  while (fn % 2 === 1) { fn = Math.floor(fn / 2); sn = Math.floor(sn / 2); }
  if (path.length === 0) bad("a consistency proof that is empty");
  let fr = path[0], sr = path[0];
  for (const c of path.slice(1)) {
    if (sn === 0) bad("a consistency proof that is too long");
    if (fn % 2 === 1 || fn === sn) {
      fr = node(c, fr); sr = node(c, sr);
      while (fn % 2 === 0 && fn !== 0) { fn = Math.floor(fn / 2); sn = Math.floor(sn / 2); }
    } else sr = node(sr, c);
    fn = Math.floor(fn / 2); sn = Math.floor(sn / 2);
  }
  if (sn !== 0 || !fr.equals(old) || !sr.equals(secondRoot)) bad(`the tree of ${second} leaves is not proved to begin with that of ${first}`);
}

const record = JSON.parse(readFileSync(0, "utf8"));
try {
  const key = new Signers(createPublicKey(record.key), record.rotations);
  const hashes = new Map(), keys = record.keys && new Keys(record.keys);
  for (const conversation of record.conversations) {
    checkConversation(conversation, key, keys);
    conversation.entries.forEach(entry => hashes.set(`${conversation.tenant} 1 ${conversation.id} ${entry.index}`, hex(entry.hash)));
  }
  for (const chain of record.administration) checkAdministration(chain, hashes);
  for (const { id, content } of record.rotations) checkDocument("signing-key", id, hex(content), record.administration.find(chain => chain.tenant === "*") ?? bad("no record made the keys that sign"));
  let leaves = 0;
  for (const tree of record.trees) leaves += checkTree(tree, hashes, key).length;
  if (leaves !== hashes.size) bad(`${hashes.size} entries and records, ${leaves} leaves`);
  for (const proof of record.inclusion) checkInclusion(proof, key);
  for (const proof of record.consistency) checkConsistency(proof, key);
  console.log("VALID");
} catch (reason) {
  console.log(`INVALID: ${reason.message}`);
  process.exitCode = 1;
}
