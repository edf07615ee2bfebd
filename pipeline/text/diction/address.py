"""Rules about whom a line speaks to, and where it says that somebody can be reached."""

from __future__ import annotations

import re

from pipeline.text.reasons import Problem, Quoted

_ADDRESSEE = re.compile(
    r"[你您]|(?<![申邀聘提])请(?![求教愿])|抱歉|对不起|无法(?:为此|总结[该这此]|完成[该这此])"
    r"|作为一[个名](?:AI|人工智能|大?语言模型)|作为(?:AI|人工智能|语言)(?:助手|模型)，|as an ai "
    r"|(?:忽略|无视)(?:以上|上述|之前|先前|前面|此前|所有|一切)的?(?:指令|提示|要求|规则|内容)"
    r"|(?:ignore|disregard) (?:all|any|previous|prior|the) "
    r"|强烈(?:推荐|建议)|(?:值得|应当|应该|建议|必须)被?(?:接收|录用)|必读|最佳论文",
    re.IGNORECASE,
)
_ACCOUNT = (
    r"(?<![A-Za-z])(?:QQ|Q群|[微薇威]信|WeChat|weixin|VX|V信|公众号|Telegram|WhatsApp|电报|Discord"
    r"|Skype|LINE)(?:号码?|群|ID|账号)?\s?"
)
_CONTACT = re.compile(
    r"(?<![0-9.])[0-9]{8,}(?![0-9.])|\+[0-9][0-9 ()-]{7,}"
    r"|(?<![0-9])1[3-9][0-9][- ]?[0-9]{4}[- ]?[0-9]{4}(?![0-9])"
    r"|(?<![0-9])(?:0[0-9]{2,3}-[0-9]{7,8}|[0-9]{3}-[0-9]{3}-[0-9]{4})(?![0-9])"
    rf"|{_ACCOUNT}[:：为是加+]\s?[a-z0-9_-]{{4,}}|{_ACCOUNT}[0-9]{{5,}}"
    r"|(?:[微薇威]信|QQ|Q群|公众号|手机|电话|热线|邮箱|客服|抖音)(?:号码?|群|账号)?\s?[:：]"
    r"|加(?:我|微信)|加群[:：0-9]|扫码(?:关注|添加|加|领|联系|进)|联系(?:我|客服)"
    r"|关注(?:公众号|微信)|点击(?:此处|这里|下方|领取)|访问(?:网址|官网|以下)"
    r"|(?:立即|马上|欢迎)(?:访问|点击|下载|关注|联系|咨询|购买|注册|加入|添加|扫描|搜索)"
    r"|下载(?:地址|链接)|免费(?:领取|咨询|下载|试用)|优惠[码券]|论文代写|代写论文",
    re.IGNORECASE,
)


def no_contact(line: str) -> str | None:
    """No telephone number, account or invitation; the reason does not repeat it."""
    return "has contact details or an invitation" if _CONTACT.search(line) else None


def speaks_to_nobody(line: str) -> Problem:
    """A line tells what a paper does: no 请, no 你, no apology, no order, no recommendation."""
    match = _ADDRESSEE.search(line)
    return Quoted("speaks to somebody", (match[0],)) if match else None
