// A conversation from another language, with nothing of ours but the published protos and service config.
// Arguments: address, folder of the protos, folder of node_modules. Prints what it saw as one JSON object.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [address, protos, modules] = process.argv.slice(2);
const require = createRequire(join(modules, 'node_modules', 'from.js'));
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const contract = loader.loadSync(
  ['r1grains/v1/conversation_service.proto', 'r1grains/v1/turn_service.proto', 'google/rpc/error_details.proto'],
  { includeDirs: [protos], keepCase: true, longs: Number, enums: String, oneofs: true, defaults: true });
const { v1 } = grpc.loadPackageDefinition(contract).r1grains;
const options = { 'grpc.service_config': readFileSync(join(protos, 'r1grains/v1/service_config.json'), 'utf8') };
const credentials = grpc.credentials.createInsecure();
const conversations = new v1.ConversationService(address, credentials, options);
const turns = new v1.TurnService(address, credentials, options);

const call = (client, method, request) => new Promise((resolve, reject) =>
  client[method](request, { deadline: Date.now() + 60_000 }, (error, response) => error ? reject(error) : resolve(response)));

async function say(conversation, index, text) {
  const stream = turns.StreamTurn({
    conversation, request_id: `turn-${index}`, input: { text }, expected_turn_index: index,
  }, { deadline: Date.now() + 60_000 });
  const seen = { text, events: [], deltas: [], sequences: [] };
  for await (const event of stream) {
    seen.events.push(event.event);
    if (event.event === 'text_delta') {
      seen.deltas.push(event.text_delta);
      seen.sequences.push(event.sequence);
    }
    if (event.event === 'accepted') seen.name = event.accepted.turn;
    if (event.event === 'completed') seen.finish = event.completed.finish_reason;
  }
  return seen;
}

// The standard details of a google.rpc.Status, as any gRPC client of any language finds them.
function reason(error) {
  const decode = (type, bytes) => contract[type].deserialize(bytes);
  const status = decode('google.rpc.Status', error.metadata.get('grpc-status-details-bin')[0]);
  const info = status.details.find(any => any.type_url.endsWith('/google.rpc.ErrorInfo'));
  return decode('google.rpc.ErrorInfo', info.value).reason;
}

const created = await call(conversations, 'CreateConversation', {
  parent: 'tenants/demo', request_id: 'node', conversation: { channel: 'web-chat', language_code: 'en' },
});
const said = [];
for (const [i, text] of ['Hello!', 'What is the annual fee?', 'And in the second year?'].entries())
  said.push(await say(created.name, i + 1, text));
const window = await call(conversations, 'GetContextWindow', { conversation: created.name });
const { turns: listed } = await call(turns, 'ListTurns', { parent: created.name });
const again = await say(created.name, 3, 'And in the second year?');
const refused = await call(turns, 'SendTurn', { conversation: created.name, request_id: 'turn-3', input: { text: 'Something else' } }).then(() => 'accepted', reason);
const completed = await call(conversations, 'CompleteConversation', { name: created.name, request_id: 'node-end' });

console.log(JSON.stringify({ name: created.name, said, again, window, listed, refused, state: completed.state }));
