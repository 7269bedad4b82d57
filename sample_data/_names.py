"""Chinese names for what has none: roads, compounds, companies, people, telephones."""

import random
from collections.abc import Iterator

_FIRST = (
    "金银龙凤华海安平祥瑞福康宁和顺永兴德仁信诚文明光春秋松柏梅兰桂榕云霞星月泉溪东南西北长广新嘉汇"
)
_SECOND = "泰园源达盛昌隆茂荣庆丰裕岭屿洲埔澳浦港湾岸堤桥渡塘厝城乡阳辉江湖山田林石门台坊里"
_SURNAMES = "陈林黄郑李吴蔡张王许郭杨谢洪庄翁周刘曾彭方姚马卢沈余"
_GIVEN = "伟芳秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂华玉兰建国志海燕晓东佳怡子轩梓涵"

ROWS = ("中山路", "人民路", "解放路", "建设路", "文化路", "朝阳路", "和平路", "民族路", "迎宾路")
COLUMNS = (
    "金湾大道",
    "黄河路",
    "长江路",
    "泰山路",
    "华山路",
    "嵩山路",
    "天山路",
    "衡山路",
    "珠江路",
)
COMPOUNDS = ("花园", "苑", "华庭", "小区", "新村", "名城", "雅园", "公寓", "家园", "轩")
TOWERS = ("大厦", "中心", "广场", "国际", "商务楼", "酒店", "商厦")
WORKS = ("机械厂", "印刷厂", "玩具厂", "食品厂", "化工厂", "纺织厂", "塑料厂", "物流园", "电子厂")


class Names:
    """Names drawn without repeating one, in an order that the seed alone decides."""

    def __init__(self, seed: int) -> None:
        self._pool = self._words(random.Random(f"{seed}/names"))
        self._people = random.Random(f"{seed}/people")
        self._telephones = 0

    def word(self) -> str:
        """Return a name's stem that was not given before, two characters as long as they last."""
        return next(self._pool)

    def person(self) -> str:
        """Return a person's name; people may share one."""
        given = "".join(self._people.choices(_GIVEN, k=self._people.choice((1, 2, 2))))
        return self._people.choice(_SURNAMES) + given

    def mobile(self) -> str:
        """Return a mobile number of a series that is given to nobody.

        >>> Names(1).mobile()
        '138 0000 0001'
        """
        self._telephones += 1
        return f"138 0000 {self._telephones % 10_000:04d}"

    def telephone(self) -> str:
        """Return a land line number that is given to nobody."""
        self._telephones += 1
        return f"0754-0000{self._telephones % 10_000:04d}"

    @staticmethod
    def _words(draw: random.Random) -> Iterator[str]:
        pairs = [a + b for a in _FIRST for b in _SECOND if a != b]
        draw.shuffle(pairs)
        yield from pairs
        for third in _FIRST + _SECOND:
            yield from (third + pair for pair in pairs if third not in pair)
        for front in pairs:
            yield from (front + back for back in pairs if front != back)
