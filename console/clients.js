// What clients are told so that they talk to this service. docs/clients-setup.md and docs/clients.md have the same lines
// with more words; a test holds these to those.

const CHEAP = "gpt-3.5-turbo";
const LOOPBACK = /^(https?:\/\/)(?:localhost|127\.[\d.]+|\[::1\])(?=[:/]|$)/;

/**
 * The clients as `{name, parts}`; a part is `{file, text}`, where `file` is the name of a file, or a word of i18n.js in
 * "variables", "fields" or "code". `address` is that of the API with its `/v1`, `models` are the names on offer.
 */
export function clients({ address, key, model, models }) {
  const v1 = address;
  const root = v1.replace(/\/v1$/, "");
  // A client in a container reaches a service on the same machine by another name.
  const [v1Inside, rootInside] = [v1, root].map((text) => text.replace(LOOPBACK, "$1host.docker.internal"));
  const cheap = models.includes(CHEAP) ? CHEAP : model;
  const names = [...new Set([model, ...models, cheap])].slice(0, 8);
  const variables = (...lines) => ({ file: "variables", text: lines.join("\n") });
  const exports = (...lines) => variables(...lines.map((line) => `export ${line}`));
  const json = (file, value) => ({ file, text: JSON.stringify(value, null, 2) });
  return [
    { name: "OpenAI SDK", parts: [exports(`OPENAI_BASE_URL=${v1}`, `OPENAI_API_KEY=${key}`)] },
    {
      name: "NextChat",
      parts: [
        variables(
          `BASE_URL=${rootInside}`, `OPENAI_API_KEY=${key}`, "CODE=a-password",
          `CUSTOM_MODELS=-all,${names.map((name) => `+${name}@OpenAI`).join(",")}`,
          `VISION_MODELS=${names.filter((name) => name !== cheap).join(",") || model}`, `DEFAULT_MODEL=${model}`,
        ),
      ],
    },
    {
      name: "LobeChat",
      parts: [
        variables(
          `OPENAI_PROXY_URL=${v1Inside}`, `OPENAI_API_KEY=${key}`,
          `OPENAI_MODEL_LIST=-all,${names.map((name) => `+${name}`).join(",")}`, "ACCESS_CODE=a-password",
        ),
      ],
    },
    {
      name: "Open WebUI",
      parts: [
        variables(
          `OPENAI_API_BASE_URL=${v1Inside}`, `OPENAI_API_KEY=${key}`,
          `DEFAULT_MODEL_METADATA='{"capabilities": {"builtin_tools": false}}'`, `TASK_MODEL_EXTERNAL=${cheap}`,
          "BYPASS_EMBEDDING_AND_RETRIEVAL=true",
        ),
      ],
    },
    { name: "LibreChat", parts: [{ file: "librechat.yaml", text: libreChat(v1Inside, key, model, cheap) }] },
    {
      name: "chatgpt-on-wechat",
      parts: [
        { file: "ofService", text: `MODEL_ALIASES=${model}-bot=${model}:plain` },
        json("config.json", { bot_type: "openai", model: `${model}-bot`, open_ai_api_base: v1Inside, open_ai_api_key: key }),
      ],
    },
    {
      name: "one-api, new-api",
      parts: [{ file: "fields", text: `OpenAI\n${rootInside}\n${key}\n${names.join(",")}` }],
    },
    {
      name: "LangChain",
      parts: [
        {
          file: "Python",
          text: `from langchain_openai import ChatOpenAI\n\nmodel = ChatOpenAI(base_url="${v1}", api_key="${key}", model="${model}")`,
        },
      ],
    },
    {
      name: "AI SDK",
      parts: [
        {
          file: "JavaScript",
          text: `import { createOpenAI } from "@ai-sdk/openai";\n\nconst openai = createOpenAI({ baseURL: "${v1}", apiKey: "${key}" });`,
        },
      ],
    },
    {
      name: "aider",
      parts: [
        variables(
          `export OPENAI_API_BASE=${v1}`, `export OPENAI_API_KEY=${key}`,
          `aider --model openai/${model} --weak-model openai/${cheap}`,
        ),
      ],
    },
    {
      name: "Codex",
      parts: [{ file: "~/.codex/config.toml", text: codex(v1, model) }, exports(`PANDORA_KEY=${key}`)],
    },
    {
      name: "opencode",
      parts: [
        { file: "~/.config/opencode/opencode.json", text: openCode(v1, model, cheap) }, exports(`PANDORA_KEY=${key}`),
      ],
    },
    {
      name: "Claude Code",
      parts: [
        exports(
          `ANTHROPIC_BASE_URL=${root}`, `ANTHROPIC_AUTH_TOKEN=${key}`, `ANTHROPIC_MODEL=${model}`,
          `ANTHROPIC_SMALL_FAST_MODEL=${cheap}`, "CLAUDE_CODE_AUTO_COMPACT_WINDOW=128000",
          "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK=1",
        ),
      ],
    },
  ];
}

const libreChat = (v1, key, model, cheap) => `version: 1.2.1
endpoints:
  custom:
    - name: "pandora-to-v1"
      apiKey: "${key}"
      baseURL: "${v1}"
      models:
        default: ["${model}", "${cheap}"]
        fetch: true
      titleConvo: true
      titleModel: "${cheap}"
      modelDisplayLabel: "pandora-to-v1"`;

const codex = (v1, model) => `model = "${model}"
model_provider = "pandora"
model_context_window = 128000

[model_providers.pandora]
name = "pandora-to-v1"
base_url = "${v1}"
wire_api = "responses"
env_key = "PANDORA_KEY"`;

const openCode = (v1, model, cheap) => `{
  "$schema": "https://opencode.ai/config.json",
  "model": "pandora/${model}",
  "small_model": "pandora/${cheap}",
  "provider": {
    "pandora": {
      "npm": "@ai-sdk/openai-compatible",
      "name": "pandora-to-v1",
      "options": { "baseURL": "${v1}", "apiKey": "{env:PANDORA_KEY}" },
      "models": {
${
  model === cheap
    ? `        "${cheap}": { "limit": { "context": 16000, "output": 4000 } }`
    : `        "${model}": {
          "limit": { "context": 128000, "output": 16000 },
          "modalities": { "input": ["text", "image"], "output": ["text"] }
        },
        "${cheap}": { "limit": { "context": 16000, "output": 4000 } }`
}
      }
    }
  }
}`;
