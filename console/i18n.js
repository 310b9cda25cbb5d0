// All words of the page, in both languages.

import { keep, recall } from "./storage.js";

const WORDS = {
  en: {
    skip: "Skip to the playground", views: "Views", overview: "Overview", playground: "Playground",
    other: "中文", otherLabel: "中文: 切换为中文", theme: "Theme", auto: "Auto", light: "Light", dark: "Dark", simulated: "simulated", ready: "ready", draining: "shutting down",
    unreachable: "unreachable", now: "Now", upstream: "backend", inFlight: "answers in flight", queued: "waiting",
    unitsToday: "units today", adminToken: "Admin token", unlock: "Unlock",
    wrongToken: "This is not the admin token.",
    needToken: "Usage and errors are shown with the admin token: ADMIN_TOKEN, or the one in STATE_DIR/admin_token.",
    ledgerGone: "The ledger cannot be read now.", ledgerLate: "The ledger cannot be written now; records wait in memory.",
    usage: "Units in the last 24 hours", byModel: "Today: {models}", asTable: "As a table", hour: "Hour", units: "Units", total: "Total",
    chart: "{total} units in 24 hours, at most {most} in one hour",
    quota: "Quota", today: "Today, all keys", window: "GPT-4 messages of the busiest key", licence: "Licence, as its server says",
    noLimit: "no limit set", of: "{used} of {limit}", resets: "resets {when}", perKey: "each key: {limit} units a day",
    models: "Models", model: "Model", state: "State", cost: "Units", available: "available", unavailable: "not available", notLookedUp: "not looked up yet",
    limits: "Limits, as the backend says", keyOrAccount: "Key or account", limit: "Limit", left: "Left", reset: "Resets", usedUp: "used up",
    insteadOf: "used up; {model} answers", noLimits: "The backend has told none.",
    accounts: "Accounts", account: "Account", keys: "Keys of this service", windowed: "GPT-4 messages", underWay: "{count} under way",
    used: "Used", mayUse: "may use {accounts}", enable: "Switch on", disable: "Switch off", reload: "Read the files again",
    noAccounts: "accounts.json names no accounts.", noKeys: "accounts.json names no keys.",
    since: "since {when}", until: "until {when}", triedAgain: "tried again {when}", rests: "{name}: until {when}", expires: "until {when}", only: "only {models}", andMore: "and {count} more",
    "state-ok": "ready", "state-cooling": "rests", "state-needs_person": "needs a person", "state-disabled": "switched off",
    "state-no_credential": "no credential", "state-expired": "expired", "state-unknown": "the key cannot be read",
    "fault-refused": "its credential is refused", "fault-expired": "its credential has run out",
    "fault-deactivated": "switched off by the backend", "fault-capped": "a model is used up",
    "fault-no_model": "a model is not offered", "fault-feature": "a feature is used up",
    "fault-busy": "somebody else uses it", "fault-challenge": "a page for people came", "fault-rate": "asked too often",
    "fault-unreachable": "no connection", "fault-failing": "the backend failed",
    gpt: "GPT", noModels: "No models.", errors: "Last errors", noErrors: "None since the start.", time: "Time",
    requests: "Requests", noRequests: "None since the start.", outcome: "Outcome", tokensShort: "Tokens", inAndOut: "{prompt} + {completion}",
    isWaiting: "waits for its answer", isAnswering: "is being answered", aside: "asked by the client itself: {what}",
    route: "Route", status: "Status", answeredBy: "Model of the backend", firstText: "First text after", finish: "End of the answer",
    "outcome-ok": "answered", "outcome-invalid": "wrong request", "outcome-rejected": "not admitted",
    "outcome-upstream_refused": "refused by the backend", "outcome-upstream_error": "the backend failed",
    "outcome-upstream_timeout": "the backend took too long", "outcome-client_gone": "the client left", "outcome-error": "a fault of the service",
    spenders: "Today, by key and account", nothingSpent: "Nothing was spent today.", messages: "Messages",
    windowCap: "{limit} messages of each account in {hours} h", cappedUntil: "{whose}: used up until {when}", capped: "{whose}: used up",
    recordings: "Recorded turns", reason: "Reason", bytes: "Bytes", file: "File",
    "recorded-unknown": "not understood", "recorded-failed": "failed", "recorded-whole": "whole",
    error: "Error", request: "Request", clear: "Clear", connection: "Key", key: "API key",
    remember: "Remember in this tab", base: "Path of the API",
    keyNote: "The key stays in this page and is sent to this service only.",
    conversation: "Conversation", empty: "What you ask here is answered by the chosen model.",
    message: "Message", ask: "Ask something", send: "Send", stop: "Stop", you: "You", copy: "Copy", copied: "Copied",
    code: "Code", output: "text", showPicture: "Show picture from {host}", picture: "Picture",
    more: "Show more ({count} more characters)", answering: "The answer is coming.", done: "The answer is complete.",
    stopped: "stopped", failed: "No answer", brokeOff: "The answer broke off", needKey: "Enter an API key first.",
    offline: "The service cannot be reached.", seconds: "{n} s", first: "first after {n} s", tokens: "{n} tokens",
    system: "System prompt", systemHint: "What the model is told before each question", starters: "Examples",
    draw: "Draw", plot: "Plot", search: "Search", makeFile: "Make a file",
    startDraw: "Draw a cat that reads a newspaper", startPlot: "Plot 3, 1, 4, 1, 5 as a chart",
    startSearch: "Search the web for news about tea", startFile: "Make a csv file with ten kinds of tea",
    attach: "Attach pictures or files", storing: "being stored …", removeFile: "Remove {name}",
    edit: "Edit", again: "Ask again", cancel: "Cancel", copyAs: "Copy as", unitsSpent: "{n} units", unitsAbout: "about {n} units",
    connect: "Connect a client", close: "Close", client: "Client", showKey: "Write my key into these lines",
    connectNote: "More about each client stands in docs/clients-setup.md.",
    variables: "variables", fields: "type, address, key, models", ofService: "variable of this service",
    retryAfter: "Try again in {n} s.", retryMinutes: "Try again in {n} min.", cutShort: "The connection ended before the answer did.",
  },
  zh: {
    skip: "跳到试用区", views: "视图", overview: "概览", playground: "试用",
    other: "English", otherLabel: "English: switch to English", theme: "主题", auto: "自动", light: "浅色", dark: "深色", simulated: "模拟", ready: "就绪", draining: "正在关闭",
    unreachable: "无法连接", now: "当前", upstream: "后端", inFlight: "进行中的回答", queued: "排队",
    unitsToday: "今日额度单位", adminToken: "管理令牌", unlock: "解锁",
    wrongToken: "管理令牌不正确。",
    needToken: "输入管理令牌后显示用量和错误：ADMIN_TOKEN，或 STATE_DIR/admin_token 中的令牌。",
    ledgerGone: "暂时无法读取账本。", ledgerLate: "账本暂时无法写入，记录保留在内存中。",
    usage: "最近 24 小时的额度单位", byModel: "今日：{models}", asTable: "以表格显示", hour: "小时", units: "单位", total: "合计",
    chart: "24 小时共 {total} 单位，单小时最多 {most}",
    quota: "额度", today: "今日，全部密钥", window: "最忙密钥的 GPT-4 消息", licence: "许可证服务器的统计",
    noLimit: "未设上限", of: "{used} / {limit}", resets: "{when} 重置", perKey: "每个密钥每天 {limit} 单位",
    models: "模型", model: "模型", state: "状态", cost: "单位", available: "可用", unavailable: "不可用", notLookedUp: "尚未查询",
    limits: "后端报告的限额", keyOrAccount: "密钥或账号", limit: "限额", left: "剩余", reset: "重置", usedUp: "已用完",
    insteadOf: "已用完；由 {model} 回答", noLimits: "后端未报告限额。",
    accounts: "账号", account: "账号", keys: "本服务的密钥", windowed: "GPT-4 消息", underWay: "{count} 条进行中",
    used: "已用", mayUse: "可用：{accounts}", enable: "启用", disable: "停用", reload: "重新读取文件",
    noAccounts: "accounts.json 中没有账号。", noKeys: "accounts.json 中没有密钥。",
    since: "自 {when} 起", until: "至 {when}", triedAgain: "{when} 再试", rests: "{name}：至 {when}", expires: "有效期至 {when}", only: "仅限 {models}", andMore: "等另外 {count} 个",
    "state-ok": "就绪", "state-cooling": "暂停使用", "state-needs_person": "需要人工处理", "state-disabled": "已停用",
    "state-no_credential": "没有凭据", "state-expired": "已过期", "state-unknown": "无法读取密钥",
    "fault-refused": "凭据被拒绝", "fault-expired": "凭据已过期",
    "fault-deactivated": "已被后端停用", "fault-capped": "某个模型已用完",
    "fault-no_model": "不提供某个模型", "fault-feature": "某项功能已用完",
    "fault-busy": "正被他人使用", "fault-challenge": "收到人机验证页面", "fault-rate": "请求过于频繁",
    "fault-unreachable": "无法连接", "fault-failing": "后端出错",
    gpt: "GPT", noModels: "没有模型。", errors: "最近的错误", noErrors: "启动以来没有错误。", time: "时间",
    requests: "请求", noRequests: "启动以来没有请求。", outcome: "结果", tokensShort: "token", inAndOut: "{prompt} + {completion}",
    isWaiting: "等待回答", isAnswering: "正在回答", aside: "由客户端自动发出：{what}",
    route: "路由", status: "状态码", answeredBy: "后端模型", firstText: "首字用时", finish: "结束原因",
    "outcome-ok": "已回答", "outcome-invalid": "请求有误", "outcome-rejected": "未获准",
    "outcome-upstream_refused": "被后端拒绝", "outcome-upstream_error": "后端出错",
    "outcome-upstream_timeout": "后端超时", "outcome-client_gone": "客户端已离开", "outcome-error": "本服务出错",
    spenders: "今日用量（按密钥和账号）", nothingSpent: "今天还没有用量。", messages: "消息",
    windowCap: "每个账号 {hours} 小时内 {limit} 条消息", cappedUntil: "{whose}：已用完，{when} 恢复", capped: "{whose}：已用完",
    recordings: "已记录的回合", reason: "原因", bytes: "字节", file: "文件",
    "recorded-unknown": "未能识别", "recorded-failed": "失败", "recorded-whole": "完整",
    error: "错误", request: "请求", clear: "清空", connection: "密钥", key: "API 密钥",
    remember: "在此标签页中记住", base: "API 路径",
    keyNote: "密钥只保留在本页面，只发送给本服务。",
    conversation: "对话", empty: "在这里提问，由所选模型回答。",
    message: "消息", ask: "输入问题", send: "发送", stop: "停止", you: "你", copy: "复制", copied: "已复制",
    code: "代码", output: "文本", showPicture: "显示来自 {host} 的图片", picture: "图片",
    more: "显示更多（还有 {count} 个字符）", answering: "正在回答。", done: "回答完毕。",
    stopped: "已停止", failed: "没有回答", brokeOff: "回答中断", needKey: "请先输入 API 密钥。",
    offline: "无法连接服务。", seconds: "{n} 秒", first: "首字 {n} 秒", tokens: "{n} 个 token",
    system: "系统提示词", systemHint: "每次提问前先告诉模型的话", starters: "示例",
    draw: "画图", plot: "绘制图表", search: "搜索", makeFile: "生成文件",
    startDraw: "画一只正在看报纸的猫", startPlot: "把 3, 1, 4, 1, 5 画成图表",
    startSearch: "在网上搜索关于茶的新闻", startFile: "生成一个包含十种茶的 csv 文件",
    attach: "添加图片或文件", storing: "正在上传…", removeFile: "移除 {name}",
    edit: "编辑", again: "重新回答", cancel: "取消", copyAs: "复制为", unitsSpent: "{n} 个单位", unitsAbout: "约 {n} 个单位",
    connect: "连接客户端", close: "关闭", client: "客户端", showKey: "在这些内容中写入我的密钥",
    connectNote: "各客户端的更多说明见 docs/clients-setup.zh-CN.md。",
    variables: "环境变量", fields: "类型、地址、密钥、模型", ofService: "本服务的环境变量",
    retryAfter: "请在 {n} 秒后重试。", retryMinutes: "请在 {n} 分钟后重试。", cutShort: "连接在回答结束前断开。",
  },
};

const STORAGE_KEY = "pandora-language";
let language = recall(STORAGE_KEY) ?? (navigator.language.startsWith("zh") ? "zh" : "en");

/** The text for `key` in the current language, with `{name}` replaced by `values.name`. */
export function t(key, values = {}) {
  return WORDS[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Whichever of two texts is in the current language. */
export const choose = (english, chinese) => (language === "zh" ? chinese : english);

/** The current language as a tag for Intl. */
export const locale = () => (language === "zh" ? "zh-CN" : "en-GB");

export const number = (value) => new Intl.NumberFormat(locale()).format(value);

/** Translate all elements marked with data-t, data-t-label or data-t-placeholder. */
export function translate(root = document) {
  document.documentElement.lang = locale();
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(node.dataset.tLabel));
  for (const node of root.querySelectorAll("[data-t-placeholder]")) node.placeholder = t(node.dataset.tPlaceholder);
}

/** Change from English to Chinese or back. */
export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  keep(STORAGE_KEY, language);
}
