// Reads {folder, texts, chats} as JSON from stdin; writes the reference ids of each text and of each rendered chat.
// With no folder it writes each text in Unicode form C.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(process.argv[2] + "/");
const { TokenizerLoader } = require("@lenml/tokenizers");
const { Template } = require("@huggingface/jinja");

const { folder, texts, chats } = JSON.parse(readFileSync(0, "utf8"));

function encodeAll() {
  const json = (name) => JSON.parse(readFileSync(`${folder}/${name}`, "utf8"));
  const config = json("tokenizer_config.json");
  const tokenizer = TokenizerLoader.fromPreTrained({ tokenizerJSON: json("tokenizer.json"), tokenizerConfig: config });
  const encode = (text) => tokenizer.encode(text, { add_special_tokens: false });
  const template = new Template(config.chat_template);
  const bos_token = config.bos_token?.content ?? config.bos_token ?? "";
  const render = (messages) => template.render({ messages, add_generation_prompt: true, bos_token });
  return { texts: texts.map(encode), chats: chats.map((chat) => encode(render(chat))) };
}

process.stdout.write(JSON.stringify(folder ? encodeAll() : texts.map((text) => text.normalize("NFC"))));
