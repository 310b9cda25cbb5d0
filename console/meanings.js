// What codes of errors mean, and reasons that the service tells in English, in the language of the page.

import { el } from "./dom.js";
import { choose } from "./i18n.js";

// In English for codes of which the service may tell no more, since its words could repeat a request.
const CODES = {
  account_deactivated: ["", "该账号已被停用。"],
  account_not_found: ["There is no such account.", "没有这个账号。"],
  account_unavailable: ["", "保存这个对话的账号现在无法接收消息；没有产生费用。"],
  array_above_max_length: ["A list in the request is too long.", "请求中的某个列表太长。"],
  audio_not_available: ["", "后端没有语音功能，或该账号不能使用。"],
  content_policy_violation: ["The backend refuses the request by its content policy.", "后端因内容政策拒绝了这个请求。"],
  context_length_exceeded: ["The conversation is longer than the model can take.", "对话太长，模型无法处理。请缩短内容或开始新对话。"],
  conversation_locked: ["Another request goes on with the conversation.", "另一个请求正在继续这个对话。"],
  conversation_not_found: ["The backend does not have the conversation.", "后端没有这个对话。"],
  deactivated_workspace: ["", "该账号所属的工作区已被停用。"],
  file_not_found: ["There is no such file.", "没有这个文件。"],
  file_not_usable: ["A file of the service cannot be used.", "服务的某个文件无法使用。"],
  files_full: ["There is no room for more files.", "文件存储空间已满。"],
  gpt_unavailable: ["The GPT cannot be used now.", "这个 GPT 目前不可用。"],
  image_generation_failed: ["No picture was drawn.", "没有画出图片。"],
  insufficient_quota: ["", "额度已用完：本服务设置的额度，或账号套餐在后端的额度。"],
  invalid_admin_token: ["This is not the admin token.", "管理令牌不正确。"],
  invalid_api_key: ["The key is not accepted.", "密钥无效：后端拒绝了它，或者它不属于本服务、已过期。请检查密钥。"],
  invalid_media: ["A picture or file cannot be read.", "某个图片或文件无法读取。"],
  invalid_request_error: ["Something in the request is wrong or missing, often the key or a field.", "请求中有错误或缺少内容，常见的是密钥或某个字段。"],
  invalid_schema: ["The schema of a tool or an answer cannot be used.", "工具或回答格式的 schema 无法使用。"],
  invalid_value: ["The backend does not accept a field or a value.", "后端不接受某个字段或值。"],
  ledger_unavailable: ["", "暂时无法读取账本。请稍后再试。"],
  media_not_reachable: ["A picture or file could not be fetched from its address.", "无法从给出的地址获取图片或文件。"],
  media_too_large: ["A picture or file is too large.", "某个图片或文件太大。"],
  method_not_supported: ["The address does not take this method.", "这个地址不支持该方法。"],
  model_not_found: ["There is no such model, or the key may not use it.", "没有这个模型，或者该密钥不能使用它。"],
  mutually_exclusive_parameters: ["Two fields of the request exclude each other.", "请求中的两个字段不能同时使用。"],
  previous_response_not_found: ["The response before it is not kept here.", "这里没有保存前一个回答。"],
  rate_limit_error: ["", "请求过于频繁。请稍后再试。"],
  rate_limit_exceeded: ["", "请求过于频繁，或消息数已达上限。请稍后再试。"],
  request_forbidden: ["", "后端拒绝了请求，或该账号无权这样做。"],
  request_too_large: ["The body of the request is too large.", "请求的内容太大。"],
  schema_not_met: ["", "回答不符合要求的格式。"],
  server_error: ["", "服务出错。日志中有更多信息。"],
  server_is_overloaded: ["", "当前请求太多，或服务正在重启。请稍后再试。"],
  service_unavailable_error: ["", "服务或后端暂时无法使用。"],
  string_above_max_length: ["A text in the request is too long.", "请求中的某段文字太长。"],
  text_not_repeated: ["", "后端没有照原文朗读。"],
  thread_not_found: ["The conversation is not kept here; the whole of it must be sent.", "这里没有保存这个对话，需要发送完整的对话。"],
  tool_call_failed: ["", "回答没有正确调用工具。"],
  unknown_url: ["There is nothing at this address.", "没有这个地址。请检查 API 路径。"],
  unsupported_media: ["A picture or file is of a type that is not taken.", "不支持这种类型的图片或文件。"],
  unsupported_media_type: ["The body of the request is in a format that is not read.", "不支持请求内容的格式。"],
  upstream_challenge: ["", "后端（或其前面的 Cloudflare）要求完成人机验证。"],
  upstream_error: ["", "后端出错，或无法理解它的回答。"],
  upstream_timeout: ["", "后端太久没有响应。"],
  upstream_unreachable: ["", "无法连接后端；没有产生费用。"],
  url_not_allowed: ["The address of a picture or file is not allowed.", "不允许使用该图片或文件的地址。"],
};

// Reasons for GPTs and accounts, with {} for what varies.
const REASONS = {
  "its description has not come yet": "它的说明还没有取得",
  "it is looked up with the key of whoever uses it first: set KEY_FOR_GPTS_INFO to have it looked up before": "首次使用时用使用者的密钥查询；设置 KEY_FOR_GPTS_INFO 后会事先查询",
  "it is no longer offered": "已不再提供",
  "the service is stopping": "服务正在关闭",
  "the backend cannot be reached": "无法连接后端",
  "the backend did not answer in time": "后端没有及时响应",
  "the backend's description of it is not usable: {}": "后端给出的说明无法使用：{}",
  "the backend does not know the path ({}): check BASE_URL, PROXY_API_PREFIX and its id": "后端不认识这个路径（{}）：请检查 BASE_URL、PROXY_API_PREFIX 和它的 ID",
  "the backend does not know it ({}): check its id": "后端没有它（{}）：请检查它的 ID",
  "the backend refused the key that asked for its description ({}): see KEY_FOR_GPTS_INFO": "后端拒绝了用来获取说明的密钥（{}）：见 KEY_FOR_GPTS_INFO",
  "the account that asked has no access to it ({}): share it, or ask with another key": "该账号无权访问它（{}）：请分享它，或换一个密钥",
  "the backend asks for a challenge that cannot be passed ({})": "后端要求无法完成的人机验证（{}）",
  "the backend failed (status {})": "后端出错（状态码 {}）",
  "the variable {} is not set": "环境变量 {} 未设置",
  "its file is empty": "它的文件是空的",
  "its file is no regular file": "它的文件不是普通文件",
  "its file is not there": "它的文件不存在",
  "its file cannot be read: {}": "无法读取它的文件：{}",
  "its file is larger than {} bytes": "它的文件超过 {} 字节",
  "its file is not UTF-8 text": "它的文件不是 UTF-8 文本",
  "its JSON is cut or malformed": "它的 JSON 不完整或有错误",
  "its JSON has no access_token": "它的 JSON 中没有 access_token",
  "of its proxy, {}": "它的代理：{}",
  "what stands there is no address of a proxy": "那里的内容不是代理地址",
};
const PATTERNS = Object.entries(REASONS).map(([english, chinese]) => [pattern(english), chinese]);

/** What a code means, where the words of the service are no help; else empty. */
export const meaning = (code) => choose(...(Object.hasOwn(CODES, code) ? CODES[code] : ["", ""]));

/** A reason that the service has told, in the language of the page if it is known there. */
export function told(reason) {
  const found = PATTERNS.map(([known, chinese]) => [known.exec(reason), chinese]).find(([match]) => match);
  return found ? choose(reason, found[1].replace("{}", () => told(found[0][1]))) : reason;
}

/** Why something failed, in elements: the service's own `words`, which may be empty, and what they do not tell. */
export function why(code, words, otherwise = "") {
  const known = words ? choose("", meaning(code)) : meaning(code);
  if (!known) return [words || otherwise];
  return words ? [known, el("span", { class: "reason own", lang: "en" }, words)] : [known];
}

function pattern(text) {
  const parts = text.split("{}").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("(.+)")}$`);
}
