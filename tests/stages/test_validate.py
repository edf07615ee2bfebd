from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.categories import taxonomy
from pipeline.digest import markdown
from pipeline.records import Draft
from pipeline.stages.validate import HARD_RULES, WARNINGS, Verdict, validate
from pipeline.text.grounding import Source
from tests.conftest import ROOT

EXAMPLES = ROOT / "prompts" / "examples" / "20260107-audio.md"


HAN = (
    "提出解决旨在研究探讨分析评估比较验证检测识别分割预测推断重建融合增强提升改进减少避免压缩蒸馏训练迁移"
    "泛化收敛优化设计开发构建引入整合利用基于通过针对编码嵌入映射转换采样聚类剪枝加速平滑修正调控规划部署"
    "渲染成像传感定位导航追踪揭示阐明刻画描述归纳强调影响覆盖保持缺失"
)
"""Words of research, each once."""
LATIN = string.ascii_letters + "éáöüíèêçñå"


def of_length(length: int, middle: str = "", opening: str = "该论文", end: str = "。") -> str:
    """A line that keeps every rule but perhaps those that `middle` or the length break."""
    filler = length - len(opening) - len(middle) - len(end)
    return opening + middle + HAN[:filler] + end


def sentences(count: int) -> str:
    parts = (
        "该论文属于语音合成任务，旨在解决情感控制的问题。",
        "提出新方法并在公开数据集上验证了效果与速度。",
        "其推理只需一步。",
        "代码已经公开。",
    )
    return "".join(parts[:count])


def han(count: int, of: int) -> str:
    """`count` Han characters of `of`; the full stop and the letters are none."""
    latin = of - count - 1
    return "该论文" + HAN[: count - 3] + (LATIN + LATIN)[:latin] + "。"


def judge(line: str, tags: tuple[str, ...] = ("cs.SD",)) -> Verdict:
    return validate(Draft(line=line, tags=tags), None)


def names(found: tuple[str, ...]) -> list[str]:
    return [text.split(":")[0] for text in found]


def around(middle: str) -> str:
    return of_length(60, f"属于语音任务{middle}旨在解决")


BREAKS = {
    "one_line_only": [
        *map(around, ["\n", "\r", "\t", "\x00", "\x7f", "\x85", "\u2028", "\u2029"]),
        *map(around, ["\u200b", "\u200d", "\u200e", "\u202e", "\u2066", "\u2060", "\ufeff"]),
        *map(around, ["\u00ad", "\u061c", "\u180e", "\ue000", "\U000e0041", "\ufffd", "\ud83d"]),
    ],
    "ends_with_full_stop": [
        of_length(60, end="！"),
        of_length(60, end="."),
        of_length(60, end="。」"),
        of_length(60, end="。 "),
        of_length(60, end="研"),
    ],
    "one_to_three_sentences": [sentences(4), sentences(3) + "真的吗？真的。"],
    "length_40_to_120": [of_length(39), of_length(121)],
    "opens_with_the_paper": [
        of_length(60, opening=opening)
        for opening in ("此论文", " 该论文", "这项", "该文", "在该论文中", "“该论文”")
    ],
    "mostly_chinese": [han(39, of=100), han(19, of=50), han(16, of=41)],
    "no_kana_or_hangul": list(
        map(around, ["のため", "カ", "ー", "ｶ", "한국어", "ᄒ", "ㅎ", "\u3164"])
    ),
    "simplified_script": list(map(around, ["語音", "這", "訓練", "丟", "\U00020000", "\uf900"])),
    "usual_characters": [
        *map(around, ["😀", "❤", "❤️", "👍🏽", "🇨🇳", "1️⃣", "★", "✅", "▶", "♥"]),
        *map(around, ["ж", "раураl", "ВERT", "سلام", "שלום", "ไทย", "Ꮪ", "ʙᴇʀᴛ", "ɡpt", "ꓐERT"]),
        *map(around, ["ＢＥＲＴ", "𝐁𝐄𝐑𝐓", "𝔹", "ﬁne", "ⒶⒷ", "e\u0301\u0301", "Z\u0335\u0336a"]),
        *map(around, ["论\u0301", "a\u20dd", "a\u034f", "a\ufe0f", "\u2800", "\u2003", "１２"]),
    ],
    "no_look_alikes": list(
        map(around, ["ΒERT", "GΡT", "gοogle", "pαypal", "αβγ", "λογος", "Kνn", "ΑI"])
    ),
    "no_markup": [
        *map(around, ["**重点**", "`x`", "[图](图)", "[图][1]", "![图]", "[^1]", "[1]: 图"]),
        *map(around, ["<b>", "</p>", "<script>", '<img src="x">', "<BR/>", "<!-- 注", "<?php"]),
        *map(around, ["<img src=x 图", "<SVG onload=x", "<!doctype", "</div", "<think>", "<a b=c"]),
        *map(around, ["&lt;", "&#60;", "&#x3c;", "&#60", "&lt", "&nbsp;", "&zwj;"]),
        *map(around, ["{{ x }}", "{{x", "{% if", "%}", "{# x", "<% x", "%>", "${x}"]),
        *map(around, ["~~错~~", "A|B", "*重点*", "RRT*和A*算法", " _x_ ", "（_x_）", "（__x"]),
        *map(
            around,
            ["<|im_start|>", "<|x|>", "[INST]", "[/INST]", "<start_of_turn>", "＜|im_end|＞"],
        ),
        *map(around, ["<<SYS>>", "</s>", r"\href{x}{y}", r"\url{x}", r"\input{x}", r"\def\x{y}"]),
    ],
    "no_address": [
        *map(
            around, ["https://a.b", "HTTP://a.b", "www.a.b", "ftp://a", "hxxp://a", "data:text/x"]
        ),
        *map(around, ["javascript:x", "JavaScript :x", "mailto:x", "tel:110", "x: //y", "//a.b/c"]),
        *map(
            around,
            ["evil.com", "evil.com/x", "example.ai", "t.me/x", "bit.ly", "EVIL.COM", "a.cn。"],
        ),
        *map(around, ["1.2.3.4", "192.168.0.1", "localhost", "a@b.cn", "mail@host", "@handle"]),
        *map(
            around,
            ["evil。com", "evil。cn", "evil .com", "evil点com", "evil[.]com", "evil dot com"],
        ),
        *map(around, ["evil(.)net", "x.py/y", "x.zz:80", "evil。org/x", "www。evil", "http：//x"]),
        *map(around, ["MHub.ai", "a-b.co", "x.gov.cn"]),
    ],
    "no_label": [
        *map(around, ["简介：", "摘要：", "分类 ：", "标题：", "作者：", "链接：", "备注："]),
        *map(
            around,
            ["TL;DR: ", "tldr：", "Abstract: ", "System: ", "Assistant:", "user：", "助手："],
        ),
        *map(around, ["Human: ", "输出：", "系统提示：", "译文："]),
    ],
    "no_contact": [
        *map(
            around, ["13800138000", "138-0013-8000", "+86 138 0013", "010-62751234", "650-253-0000"]
        ),
        *map(
            around,
            ["QQ：12345", "QQ号12345", "QQ群 123456", "微信：abcd", "微信号为abcd1"],
        ),
        *map(
            around,
            [
                "Telegram:abcd",
                "加微信",
                "VX: abc_1",
                "公众号：研究",
                "电话：",
                "邮箱：",
                "12345678",
            ],
        ),
        *map(
            around,
            ["扫码关注", "联系客服", "关注公众号", "点击此处", "访问官网", "欢迎下载", "优惠码"],
        ),
        *map(around, ["立即购买", "免费领取", "下载链接", "加群：1"]),
    ],
    "no_first_person": [
        around(text) for text in ("，我们", "我的方法", "我国", "咱们", "笔者", "本人认为")
    ],
    "speaks_to_nobody": [
        *map(
            around, ["请阅读", "您可", "你会", "抱歉", "对不起", "忽略以上指令", "无视之前的要求"]
        ),
        *map(around, ["作为一个语言模型", "作为AI助手，", "as an AI model", "Ignore all previous"]),
        *map(around, ["disregard the ", "强烈推荐", "值得接收", "建议录用", "必读", "无法总结该"]),
    ],
    "no_repetition": [
        "该论文属于语音合成任务，旨在解决情感控制的难题。提出一种全新的方法。提出一种全新的方法。",
        around("训练一个新模型，" * 3),
        around("推理加速推理加速" * 3),
        of_length(90, "ababcdcdefefghgh" * 3),
        *map(around, ["哈哈哈哈哈", "，，，，，", "aaaaa", "-----", "。。。。。"]),
    ],
    "full_width_punctuation": [around(mark) for mark in (*",.;:!?", ", ", "; ")],
    "about_research": [
        around("，今天天气很好，大家都去郊外放风筝了，"),
        around("，从前有座山山里有座庙庙里有个老和尚在讲故事，"),
        "论文从前有座山，山里有座庙，庙里有个老和尚在讲从前有座山，山里有座庙，庙里又有个老和尚。",
    ],
    "no_spelled_out_number": [
        *map(around, ["八六七五", "一三八零零一三八", "一·三·八·零", "六、七、八、九", "柒伍叁贰"]),
        *map(around, ["五千三百万", "①③⑧", "⁴⁸²⁹¹", "s·p·e·e·c·h", "a b c d e", "公·告·栏·目"]),
    ],
    "no_code": [
        *map(around, ["A7KD-93PQ-LM2X", "f47ac10b-58cc-4372", "0x52f084ae", "48 65 6C 6C 6F"]),
        *map(
            around,
            ["ghp_a1B2c3D4e5F6", "SWdub3JlIGFsbCBydWxlcw", "1aBcDeFgHiJ", "3f786850e387550f"],
        ),
        *map(around, ["口令为", "倒读", "622 021 001 123", "-... .- "]),
    ],
    "no_account": [
        *map(
            around,
            ["小红书同名", "抖音搜音乐", "薇信", "添加作者的飞书", "扣扣", "V·X号", "进群", "私聊"],
        ),
        *map(
            around,
            [
                "作者的邮箱",
                "账号为abc",
                "艾特",
                "扫描封面的二维码",
                "王老师负",
                "留电话",
                "昵称为声",
            ],
        ),
        around("，每晚直播，"),
    ],
    "no_place": [
        *map(
            around,
            ["abc点ai", "abc . ai", "abc句号io", "abc（点）net", "斜杠", "三个w", "链接为abc"],
        ),
        *map(
            around,
            ["项目主页", "网盘", "提取码", "org/re-po", "10.5281/zenodo", "DOI", "托管于码云"],
        ),
        *map(around, ["代码见文末", "详见", "浏览器打开", "百度搜作者", "arXiv编号"]),
    ],
    "no_fetching": [
        *map(
            around,
            ["pip install x", "git clone", "sudo rm", "x.exe", "import os", "curl", "一键安装"],
        ),
        *map(
            around,
            [
                "一键下载",
                "须卸载",
                "双击运行",
                "以管理员",
                "信任远程代码",
                "授予全部权限",
            ],
        ),
        *map(around, ["trust_remote_code", "终端输入"]),
    ],
    "no_offer": [
        *map(
            around,
            ["九十九元", "50美元", "包邮", "打折", "限时优惠", "先到先得", "有售", "论文查重"],
        ),
        *map(around, ["报名", "会员费", "代写", "免费领", "不二之选", "由某团队提供，", "返利"]),
        around("，优惠多多，"),
    ],
    "no_appeal": [
        *map(
            around,
            ["一键三连", "转发给", "善款", "征文大赛", "诚聘", "欢迎投稿", "年薪百万", "诚邀"],
        ),
        *map(around, ["呼吁抵制", "汇入，向账户转账", "祝大家"]),
    ],
    "no_praise": [
        *map(
            around,
            [
                "荣获",
                "满分",
                "获最佳奖",
                "伟大",
                "审稿人一致",
                "教科书级",
                "引用本文",
                "世界第一，",
            ],
        ),
        *map(around, ["全面超越所有", "影响因子高", "被ICML接收", "里程碑式"]),
    ],
    "no_slander": [
        *map(
            around,
            ["剽窃而来", "数据造假", "一稿多投", "张伟教授", "某公司", "无耻", "骗子", "学位被"],
        ),
        *map(around, ["揭露同行", "据悉，", "公司暗中"]),
    ],
    "no_counsel": [
        *map(
            around,
            [
                "全仓",
                "保本，",
                "双色球",
                "停用胰岛素",
                "替代处方药，",
                "推翻政府",
                "买股票翻倍"[1:],
            ],
        ),
    ],
    "no_notice": [
        *map(
            around,
            [
                "今日",
                "本站",
                "站长",
                "警告：",
                "三月五日",
                "下架",
                "撤稿，",
                "违者",
                "解释权",
                "即日起",
            ],
        ),
        *map(around, ["上一篇", "重要通知", "【公告", "已停", "将于", "以此为准"]),
    ],
    "no_order": [
        *map(
            around,
            ["务必", "模型应当", "读者须", "，患者应停", "后续读到", "系统提示已", "置顶", "今后"],
        ),
        *map(around, ["要求模型优先", "任何模型", "不得", "方可"]),
    ],
    "no_word_of_itself": [
        *map(
            around,
            ["对该论文", "引用该文", "，其余见本文", "简介须", "字数须", "据规定", "五十字以内"],
        ),
        *map(around, ["作为助手已", "思考过程：", "占位"]),
    ],
}
KEEPS = {
    "one_line_only": [around("，"), around(" 方法 "), around("\u00a0"), around("\u3000")],
    "ends_with_full_stop": [of_length(60)],
    "one_to_three_sentences": [of_length(60), *map(sentences, (3, 2)), sentences(3)[:-1] + "！。"],
    "length_40_to_120": [of_length(40), of_length(120)],
    "opens_with_the_paper": [
        of_length(60, opening=opening) for opening in ("该论文", "论文", "本文", "这篇")
    ],
    "mostly_chinese": [han(40, of=100), han(16, of=40), han(20, of=50), han(48, of=120)],
    "no_kana_or_hangul": list(map(around, ["αβ", "é", "Ω"])),
    "simplified_script": list(map(around, ["语音这训练", "饕餮", "VALL-E语音"])),
    "usual_characters": [
        *map(around, ["Müller", "Yorùbá", "ọ̀rọ̀", "naïve", "Sabiá", "Qomhrá", "Łódź", "nǐ hǎo"]),
        *map(around, ["360°", "25℃", "SR²-Net", "x₀", "ℓ₀", "→", "A×B", "r∈[0,1]", "±0.5", "≥3"]),
        *map(around, ["“引号”", "《书》", "——", "…", "50％", "Ⅱ型", "①", "n⁺", "∞", "图像／视频"]),
    ],
    "no_look_alikes": list(
        map(around, ["μ子", "μ-law", "μP", "π0", "C-Δθ", "α", "ATR-μFTIR", "Σ", "β-VAE", "τ-bench"])
    ),
    "no_markup": [
        *map(
            around, ["*", "a<b", "x < y > z", "AT&T", "[0, 1]", "（图）", "K>3", "[CLS]", "A*算法"]
        ),
        *map(
            around, ["RRT*-Connect", "snake_case", "multi_ros2_x", "LaST$_0$", "AGT$^{AO}$", "Q&A"]
        ),
        *map(around, ["{a}", "100%", "O(n^2)", r"$\tau$", "~3", "T2*）与T2*模"]),
    ],
    "no_address": [
        *map(around, ["3.5", "v1.2.3", "Node.js", "Stream.FM", "DR.Experts", "Pass@1", "pass@k"]),
        *map(
            around, ["E.M.Ground", "Qwen2.5", "BERT。GPT", "tugturn.py", "1:10", "compar:IA", "I/O"]
        ),
        *map(
            around,
            ["Mi:dm 2.0", "SiDiaC-v.2.0", "N:M稀疏", "18:1", "data", "C++/Python", "3.5cm"],
        ),
    ],
    "no_label": [
        *map(
            around,
            ["摘要任务", "标题与作者", "链接", "简介", "两种方法：", "多用户：", "ecosystem"],
        ),
    ],
    "no_contact": [
        *map(
            around,
            ["电话录音", "智能客服", "微信数据", "QQ工具包", "抖音直播", "2014-2024", "24000"],
        ),
        *map(
            around,
            [
                "1,000,000",
                "点击率",
                "下载量",
                "免费",
                "附加微调",
                "增加VLA",
                "迭代发现",
                "手机加IMU",
            ],
        ),
        *map(around, ["联系方式", "线上购买", "0.12345678", "二维码", "baseline: BERT"]),
    ],
    "no_first_person": [
        around("自我监督"),
        around("人们"),
        around("敌我"),
        around("少样本人群"),
        around("日本人"),
        around("文本人工标注"),
        around("剧本人物"),
    ],
    "speaks_to_nobody": [
        *map(
            around, ["申请", "请求", "邀请", "聘请", "无法总结长文", "忽略噪声", "推荐", "接收端"]
        ),
        *map(around, ["作为语言模型", "作为AI辅助", "同行评审", "满足指令"]),
    ],
    "no_repetition": [
        around("视频质量评估与视频质量评估"),
        around("Transformer、Transformer与Transformer"),
        around("1000000"),
        around("----"),
        around("推理加速新推理加速"),
    ],
    "full_width_punctuation": [
        *map(around, ["3.5倍", "GPT,语", "语, GPT", "，", "、"]),
        *map(around, ["（A, B）", "WER:3"]),
    ],
    "about_research": [around("，仅需单帧掩码，"), around("，如雪片、花瓣等，")],
    "no_spelled_out_number": list(
        map(
            around,
            [
                "二零二六年",
                "百万级",
                "六百万",
                "十九世纪",
                "一二三",
                "①②",
                "x²",
                "G.O.G.",
                "A B C D",
            ],
        )
    ),
    "no_code": [
        *map(around, ["OrthoGeoLoRA", "Cog2Gen3D", "AgriLiRa4D", "FireRedASR2S", "DenseNet121"]),
        *map(
            around,
            ["CLIP-Joint-Detect", "V2V/V2I", "MedMassage-12M", "密钥交换", "BERT-BASE-CHINESE"],
        ),
        *map(around, ["2014-2024", "480 853"]),
    ],
    "no_account": [
        *map(
            around,
            [
                "微博情感",
                "抖音直播",
                "引进群体",
                "增加群组",
                "子空间分机制",
                "一致电位",
                "隐私信息",
            ],
        ),
        *map(
            around,
            ["未来信息", "二维码定位", "客服对话", "手机信令", "联系方式", "嵌入群结构", "微芯片"],
        ),
    ],
    "no_place": [
        *map(
            around,
            ["关键点AI", "LLM、AI", "I/O", "100km/h", "特点开展", "可见光视频", "部署在边缘"],
        ),
        *map(around, ["钓鱼网址", "多站点", "FDG-PET/CT", "长短链式", "未公开的", "GitHub仓库"]),
    ],
    "no_fetching": [
        *map(
            around,
            ["计算卸载", "优先卸载", "误解压缩", "下载量", "对抗补丁", "可执行程序", "NL2Bash"],
        ),
        *map(around, ["CURL", "SUDO数据", "脚本生成", "SETUP模型", "远程协助"]),
    ],
    "no_offer": [
        *map(
            around,
            ["三元组", "多元", "单元", "四元数", "五折交叉", "填充值", "发现价值", "独特价值"],
        ),
        *map(
            around,
            [
                "真正品质",
                "增加盟友",
                "有限量化",
                "所有售后",
                "迭代投影",
                "古代笔迹",
                "检查重试",
                "神经元",
            ],
        ),
        *map(around, ["折扣因子", "专利描述", "汇报名单", "保留学习"]),
    ],
    "no_appeal": [
        *map(
            around,
            [
                "特征文本",
                "每日结果",
                "域内推荐",
                "广受欢迎",
                "有奖励",
                "鉴别忘",
                "众所周知",
                "提高薪酬",
            ],
        ),
        *map(around, ["点赞数", "呼吁更多关注", "投票机制", "展望"]),
    ],
    "no_praise": [
        *map(
            around,
            [
                "充满分歧",
                "获得奖励",
                "第一视角",
                "第一人称",
                "外力作用",
                "最优",
                "评审质量",
                "被引预测",
            ],
        ),
        *map(around, ["不完美裁判", "影响因子", "提名实体"]),
    ],
    "no_slander": [
        *map(
            around,
            [
                "抄袭检测",
                "学术不端问题",
                "伪造检测",
                "不配对数据",
                "被捕捉",
                "删除名称",
                "某些",
                "根据传感",
            ],
        ),
        *map(around, ["讽刺检测", "多作者分析、抄袭检测", "直指标", "张量等"]),
    ],
    "no_counsel": [
        *map(
            around,
            ["特征信息", "样本质量", "股票预测", "胰岛素剂量", "疫苗犹豫", "分散户外", "偏方向"],
        ),
    ],
    "no_notice": [
        *map(
            around,
            [
                "样本周期",
                "以下周期",
                "最近日志",
                "发现已有",
                "表现正常",
                "修改版本",
                "地下架构",
                "文本条件",
            ],
        ),
        *map(around, ["撤稿论文", "版权", "今日头条", "两种方法：", "制作废料", "年月底层"]),
    ],
    "no_order": [
        *map(
            around,
            ["触须", "无须", "适应", "响应", "单应", "推理应用", "不得不", "回应", "自适应将"],
        ),
    ],
    "no_word_of_itself": [
        *map(around, ["。该论文", "，本文", "文本文档", "样本文本", "提示词", "思考过程"]),
    ],
}
WORDS = list(BREAKS)[list(BREAKS).index("no_account") :]
"""Rules that go by words: what breaks another may have some of theirs."""
WARNS = {
    "length_45_to_100": ([of_length(44), of_length(101)], [of_length(45), of_length(100)]),
    "at_most_two_sentences": ([sentences(3)], [sentences(2)]),
    "no_formula": ([around("$x$"), around("$")], [around("￥")]),
}


def each(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(rule, line) for rule, lines in table.items() for line in lines]


def test_every_rule_is_tried_from_both_sides() -> None:
    hard = [rule.__name__ for rule in HARD_RULES]
    assert list(BREAKS) == list(KEEPS) == hard
    assert list(WARNS) == [rule.__name__ for rule in WARNINGS]


@pytest.mark.parametrize(("rule", "line"), each(BREAKS))
def test_a_line_that_breaks_one_hard_rule_is_refused_for_that_alone(rule: str, line: str) -> None:
    verdict = judge(line)

    assert [name for name in names(verdict.reasons) if name == rule or name not in WORDS] == [rule]
    assert len(verdict.reasons[0]) > len(rule) + 5  # and says more than the name


@pytest.mark.parametrize(("rule", "line"), each(KEEPS))
def test_a_line_on_the_right_side_of_the_bound_passes(rule: str, line: str) -> None:
    assert judge(line).reasons == ()


@pytest.mark.parametrize(("rule", "line"), each({k: v[0] for k, v in WARNS.items()}))
def test_a_warning_is_no_reason(rule: str, line: str) -> None:
    verdict = judge(line)

    assert rule in names(verdict.warnings)
    assert verdict.reasons == ()


@pytest.mark.parametrize(("rule", "line"), each({k: v[1] for k, v in WARNS.items()}))
def test_a_line_inside_the_usual_is_not_warned_about(rule: str, line: str) -> None:
    assert rule not in names(judge(line).warnings)


@pytest.mark.parametrize("line", ["", " ", "\n", "\u3000"])
def test_an_empty_line_is_called_empty(line: str) -> None:
    assert "one_line_only: the line is empty" in judge(line).reasons


def test_every_broken_rule_is_told_at_once() -> None:
    verdict = judge("We propose **a new model**.", tags=("cs.XX",))

    assert names(verdict.reasons) == [
        "ends_with_full_stop",
        "length_40_to_120",
        "opens_with_the_paper",
        "mostly_chinese",
        "no_markup",
        "tags_in_vocabulary",
    ]


@pytest.mark.parametrize(
    "address",
    [
        "ｈｔｔｐ：／／ｅｖｉｌ．ｃｏｍ",
        "ｅｖｉｌ．ｃｏｍ",
        "evil．com",
        "evil｡com",
        "𝐞𝐯𝐢𝐥.com",
        "ａ＠ｂ．ｃｎ",
    ],
)
def test_an_address_is_seen_in_every_style_of_letters(address: str) -> None:
    assert {"usual_characters", "no_address"} <= set(names(judge(around(address)).reasons))


@pytest.mark.parametrize("mark", ["# ", "- ", "* ", "+ ", "1. ", "> ", "| ", "    ", "---", "~~~"])
def test_what_marks_a_block_stands_at_no_lines_start(mark: str) -> None:
    assert "opens_with_the_paper" in names(judge(mark + GOOD).reasons)


@pytest.mark.parametrize("lure", ["evil.com", "https://evil.com", "13800138000", "微信：evil"])
def test_a_reason_repeats_no_address_and_no_account(lure: str) -> None:
    reasons = judge(around(lure), tags=("cs.SD", lure)).reasons

    assert len(reasons) >= 2
    assert not any("evil" in reason or "138001" in reason for reason in reasons)


GOOD = (
    "该论文属于语音合成任务，旨在解决情感控制的问题。提出一种新的方法，并在公开数据集上验证了效果。"
)


def test_a_usual_line_has_neither_reasons_nor_warnings() -> None:
    assert judge(GOOD) == Verdict(reasons=(), warnings=())


def test_no_tags_are_refused() -> None:
    assert judge(GOOD, tags=()).reasons == ("tags_in_vocabulary: 分类 is empty",)


def test_the_whole_of_arxivs_list_is_no_answer() -> None:
    tags = tuple(sorted(taxonomy().categories))

    assert judge(GOOD, tags=tags[:8]).reasons == ()
    assert judge(GOOD, tags=tags[:9]).reasons == (
        "tags_in_vocabulary: 9 tags, must have at most 8",
    )


def test_a_reason_names_each_name_once() -> None:
    line = GOOD[:-1] + "，名为Foo，即Foo。"

    verdict = validate(Draft(line=line, tags=("cs.SD",)), Source(["the paper"]))

    assert verdict.reasons == ("grounded: 1 word that is not in the paper",)
    assert verdict.words == ("Foo",)


@pytest.mark.parametrize(
    "tag", ["cs.XX", "cs.sd", "CS.SD", "语音", "I.2.7", "68T10", "cs", "cs.SD "]
)
def test_a_tag_outside_the_vocabulary_is_named(tag: str) -> None:
    verdict = judge(GOOD, tags=("cs.SD", tag))

    (reason,) = verdict.reasons
    assert reason.startswith("tags_in_vocabulary: 1 word that is not among arXiv's categories")
    assert verdict.words == (tag,)


def test_the_nearest_category_is_proposed() -> None:
    (reason,) = judge(GOOD, tags=("cs.sd",)).reasons

    assert "nearest: cs.SD" in reason


def test_at_most_five_unknown_tags_are_named() -> None:
    verdict = judge(GOOD, tags=tuple(f"cs.X{n}" for n in range(9)))

    assert "9 words that are not among" in verdict.reasons[0]
    assert verdict.words == tuple(f"cs.X{n}" for n in range(5))


@pytest.mark.parametrize("tag", [*taxonomy().aliases, *taxonomy().aliases.values()])
def test_an_alias_and_what_it_stands_for_are_both_accepted(tag: str) -> None:
    assert judge(GOOD, tags=(tag,)).reasons == ()


def test_every_category_of_arxiv_is_accepted() -> None:
    for category in taxonomy().categories:
        assert judge(GOOD, tags=(category,)).reasons == ()


PAPER = Source(["Speech Synthesis with FooTTS", "FooTTS reaches 12.5% on three corpora."])


@pytest.mark.parametrize("text", ["，", "FooTTS", "footts", "12.5%", "3个语料", "AI"])
def test_what_the_paper_has_may_be_named(text: str) -> None:
    assert validate(Draft(line=around(text), tags=("cs.SD",)), PAPER).reasons == ()


def test_names_and_numbers_that_the_paper_has_not_are_told() -> None:
    draft = Draft(line=around("在BERT上将FooTTS提高15.2%，"), tags=("cs.SD",))

    verdict = validate(draft, PAPER)
    assert verdict.reasons == ("grounded: 2 words that are not in the paper",)
    assert verdict.words == ("BERT", "15.2%")
    assert validate(draft, None).reasons == ()


def test_a_reason_names_five_at_most_and_none_at_length() -> None:
    many = Draft(line=around("".join(f"，名{n}" for n in range(31, 39))), tags=("cs.SD",))
    long = Draft(line=of_length(110, "X" + "ab" * 22), tags=("cs.SD",))

    assert validate(many, PAPER).reasons == ("grounded: 8 words that are not in the paper",)
    assert validate(many, PAPER).words == ("31", "32", "33", "34", "35")
    assert validate(long, PAPER).words == ("X" + "ab" * 19 + "a",)


@pytest.mark.parametrize("name", ["evil.com/x", "me@host.de", "t.me/abc"])
def test_a_name_that_is_an_address_or_markup_is_not_repeated(name: str) -> None:
    reasons = validate(Draft(line=around(name), tags=("cs.SD",)), PAPER).reasons

    assert "grounded" in names(reasons)
    assert not any(name in reason for reason in reasons)


@pytest.mark.parametrize(
    "piece",
    [
        "*",
        "_",
        "<",
        "<a ",
        "&",
        "a.",
        "a@",
        "_x ",
        "!__a",
        "[",
        "{",
        "x-",
        "1",
        "+1",
        "我",
        "é\u0301",
    ],
)
def test_a_very_long_line_gets_its_verdict(piece: str) -> None:
    line = "该论文" + piece * 100_000 + "。"

    assert "length_40_to_120" in names(validate(Draft(line=line, tags=("cs.SD",)), PAPER).reasons)


def test_all_26_lines_of_the_example_digest_pass() -> None:
    entries = markdown.load(EXAMPLES).entries

    assert len(entries) == 26
    for entry in entries:
        source = Source((entry.title, entry.abstract, entry.comment or ""))
        draft = Draft(line=entry.line or "", tags=entry.tags)
        assert validate(draft, source).reasons == ()


@given(st.text(st.characters(exclude_categories=()), max_size=130))
def test_any_line_gets_a_verdict(line: str) -> None:
    verdict = judge(line)

    known = {rule.__name__ for rule in HARD_RULES}
    assert set(names(verdict.reasons)) <= known
    if not verdict.reasons:
        assert 40 <= len(line) <= 120
        assert line.isprintable() or any(char in line for char in "\u00a0\u3000")
