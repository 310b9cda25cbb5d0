// One talk by the npm package `chatgpt`; prints what it got as JSON. Arguments: address of POST conversation, key.
import { ChatGPTUnofficialProxyAPI } from "chatgpt";

const [apiReverseProxyUrl, accessToken] = process.argv.slice(2);
const api = new ChatGPTUnofficialProxyAPI({ accessToken, apiReverseProxyUrl });

const progress = [];
const first = await api.sendMessage("你好，说说茶 🍵 [[sim tokens=80]]", {
  onProgress: (partial) => progress.push(partial.text),
});
const second = await api.sendMessage("And in English, please [[sim tokens=40]]", {
  conversationId: first.conversationId,
  parentMessageId: first.id,
});
let refusal = "";
try {
  await new ChatGPTUnofficialProxyAPI({ accessToken: "fk-dead", apiReverseProxyUrl }).sendMessage("Hello");
} catch (error) {
  refusal = `${error.statusCode} ${error.message}`;
}
console.log(JSON.stringify({ progress, first, second, refusal }));
