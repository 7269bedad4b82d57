"""A house whose answers are known by hand, written as STEP text.

Two storeys, floors at 0 and 3 m.  Slabs 0..10 × 0..8, z -0.3..0 and z 2.7..3.
Below, four walls 0.2 m thick along the slab's rim, z 0..2.7; the south one has a hole 1 m wide,
x 4..5, z 0..2.1, with a door in it that is 0.9 m wide.  One space 0.2..9.8 × 0.2..7.8, z 0..2.7:
9.6 · 7.6 = 72.96 m² in plan, and 70 m² by its own quantity.  On the upper storey a stair without
geometry, made of one flight (a box 1 × 3 × 1 at z 3), and a proxy with an axis line only.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Box = tuple[float, float, float, float, float, float]

DEGREES_20 = "(23,21,0,0),(116,41,24,0),4.5"
"""Latitude, longitude, elevation of the site: 23.35 N, 116.69 E, near Shantou."""

GUIDS = {name: f"{index:022d}" for index, name in enumerate((
    "project", "site", "building", "ground", "upper", "slab", "roof-slab", "south", "north", "west",
    "east", "hole", "door", "space", "stair", "flight", "axis",
))}  # fmt: skip


@dataclass
class House:
    """What may differ from one house to the next."""

    schema: str = "IFC4"
    unit: str = "#9=IFCSIUNIT(*,.LENGTHUNIT.,$,.METRE.);"
    unit_m: float = 1.0
    site: str = DEGREES_20
    true_north: str = "$"
    conversion: str = ""
    """Instances from #200 on; may refer to the context #8."""
    site_at: tuple[float, float, float] = (0.0, 0.0, 0.0)
    door_width_m: float = 0.9
    door_name: str = "前门"
    height_m: float = 2.7
    without: tuple[str, ...] = ()
    more: str = ""
    names: dict[str, str] = field(default_factory=lambda: dict(GUIDS))


def text(house: House) -> bytes:
    """Return the house as a file."""
    made = _Writer(house)
    made.write()
    body = "\n".join(made.lines)
    return (
        "ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION((''),'2;1');\n"
        "FILE_NAME('','2026-01-01T00:00:00',(''),(''),'','','');\n"
        f"FILE_SCHEMA(('{house.schema}'));\nENDSEC;\nDATA;\n{body}\nENDSEC;\nEND-ISO-10303-21;\n"
    ).encode()


class _Writer:
    def __init__(self, house: House) -> None:
        self.house = house
        self.lines: list[str] = []
        self.last = 1000

    def add(self, entity: str) -> str:
        self.last += 1
        self.lines.append(f"#{self.last}={entity};")
        return f"#{self.last}"

    def number(self, metres: float) -> str:
        return f"{metres / self.house.unit_m:.6f}"

    def place(self, x: float = 0, y: float = 0, z: float = 0, under: str = "$") -> str:
        point = self.add(f"IFCCARTESIANPOINT(({','.join(map(self.number, (x, y, z)))}))")
        axes = self.add(f"IFCAXIS2PLACEMENT3D({point},$,$)")
        return self.add(f"IFCLOCALPLACEMENT({under},{axes})")

    def box(self, box: Box) -> str:
        """Return the shape of a box: an extruded rectangle."""
        x, y, z, dx, dy, dz = box
        middle = self.add(f"IFCCARTESIANPOINT(({self.number(dx / 2)},{self.number(dy / 2)}))")
        flat = self.add(f"IFCAXIS2PLACEMENT2D({middle},$)")
        sides = f"{self.number(dx)},{self.number(dy)}"
        profile = self.add(f"IFCRECTANGLEPROFILEDEF(.AREA.,$,{flat},{sides})")
        point = self.add(f"IFCCARTESIANPOINT(({','.join(map(self.number, (x, y, z)))}))")
        axes = self.add(f"IFCAXIS2PLACEMENT3D({point},$,$)")
        up = self.add("IFCDIRECTION((0.,0.,1.))")
        solid = self.add(f"IFCEXTRUDEDAREASOLID({profile},{axes},{up},{self.number(dz)})")
        body = self.add(f"IFCSHAPEREPRESENTATION(#8,'Body','SweptSolid',({solid}))")
        return self.add(f"IFCPRODUCTDEFINITIONSHAPE($,$,({body}))")

    def guid(self, name: str) -> str:
        return f"'{self.house.names[name]}'"

    def thing(self, kind: str, name: str, shape: str, at: str, tail: str, label: str = "") -> str:
        said = _encoded(label or name)
        return self.add(f"{kind}({self.guid(name)},$,'{said}',$,$,{at},{shape},{tail})")

    def write(self) -> None:
        house = self.house
        self.lines += [
            "#6=IFCCARTESIANPOINT((0.,0.,0.));",
            "#7=IFCAXIS2PLACEMENT3D(#6,$,$);",
            f"#8=IFCGEOMETRICREPRESENTATIONCONTEXT($,'Model',3,1.E-05,#7,{house.true_north});",
            *filter(None, [house.unit, house.conversion, house.more]),
            f"#12=IFCPROJECT({self.guid('project')},$,'P',$,$,$,$,(#8),#11);",
        ]
        units = "(#9)" if "#9=" in house.unit else "()"
        self.lines.append(f"#11=IFCUNITASSIGNMENT({units});")
        at = self.place(*house.site_at)
        lat_lon = house.site or "$,$,$"
        site = self.add(f"IFCSITE({self.guid('site')},$,'S',$,$,{at},$,$,.ELEMENT.,{lat_lon},$,$)")
        inside = self.place(under=at)
        building = self.add(
            f"IFCBUILDING({self.guid('building')},$,'H',$,$,{inside},$,$,.ELEMENT.,$,$,$)"
        )
        storeys = [self.storey("ground", 0.0, inside), self.storey("upper", 3.0, inside)]
        self.gather("#12", [site])
        self.gather(site, [building])
        self.gather(building, storeys)
        self.contain(storeys[0], self.ground(inside, storeys[0]))
        self.contain(storeys[1], self.upper(inside))

    def storey(self, name: str, z: float, inside: str) -> str:
        at = self.place(0, 0, z, inside)
        level = self.number(z)
        return self.add(
            f"IFCBUILDINGSTOREY({self.guid(name)},$,'{name}',$,$,{at},$,$,.ELEMENT.,{level})"
        )

    def ground(self, inside: str, storey: str) -> list[str]:
        height = self.house.height_m
        kind = "IFCWALL"
        predefined = ",$" if self.house.schema != "IFC2X3" else ""
        boxes = {
            "south": (0.0, 0.0, 0.0, 10.0, 0.2, height),
            "north": (0.0, 7.8, 0.0, 10.0, 0.2, height),
            "west": (0.0, 0.2, 0.0, 0.2, 7.6, height),
            "east": (9.8, 0.2, 0.0, 0.2, 7.6, height),
        }
        found = {
            name: self.thing(kind, name, self.box(box), inside, "$" + predefined)
            for name, box in boxes.items()
            if name not in self.house.without
        }
        slab = self.box((0.0, 0.0, -0.3, 10.0, 8.0, 0.3))
        found["slab"] = self.thing("IFCSLAB", "slab", slab, inside, "$,.FLOOR.")
        hole = self.thing(
            "IFCOPENINGELEMENT",
            "hole",
            self.box((4.0, -0.1, 0.0, 1.0, 0.4, 2.1)),
            inside,
            "$" + predefined,
        )
        self.add(f"IFCRELVOIDSELEMENT('v',$,$,$,{found['south']},{hole})")
        if "door" not in self.house.without:
            found["door"] = self.door(inside)
            self.add(f"IFCRELFILLSELEMENT('f',$,$,$,{hole},{found['door']})")
        self.space(inside, storey)
        return list(found.values())

    def door(self, inside: str) -> str:
        width = self.house.door_width_m
        shape = self.box((4.05, 0.05, 0.0, width, 0.1, 2.0))
        tail = f"$,{self.number(2.0)},{self.number(width)}"
        tail += ",$,$,$" if self.house.schema != "IFC2X3" else ""
        door = self.thing("IFCDOOR", "door", shape, inside, tail, self.house.door_name)
        value = self.add("IFCPROPERTYSINGLEVALUE('IsExternal',$,IFCBOOLEAN(.T.),$)")
        held = self.add(f"IFCPROPERTYSET('p',$,'Pset_DoorCommon',$,({value}))")
        self.add(f"IFCRELDEFINESBYPROPERTIES('r',$,$,$,({door}),{held})")
        oak = self.add("IFCMATERIAL('oak')" if self.house.schema == "IFC2X3" else
                       "IFCMATERIAL('oak',$,$)")  # fmt: skip
        self.add(f"IFCRELASSOCIATESMATERIAL('m',$,$,$,({door}),{oak})")
        return door

    def space(self, inside: str, storey: str) -> None:
        shape = self.box((0.2, 0.2, 0.0, 9.6, 7.6, self.house.height_m))
        space = self.thing(
            "IFCSPACE", "space", shape, inside, "'客厅',.ELEMENT.,.INTERNAL.,$", "101"
        )
        tail = "" if self.house.schema == "IFC2X3" else ",$"
        area = self.add(f"IFCQUANTITYAREA('NetFloorArea',$,$,70.{tail})")
        held = self.add(f"IFCELEMENTQUANTITY('q',$,'Qto_SpaceBaseQuantities',$,$,({area}))")
        self.add(f"IFCRELDEFINESBYPROPERTIES('rq',$,$,$,({space}),{held})")
        self.gather(storey, [space])

    def upper(self, inside: str) -> list[str]:
        slab = self.box((0.0, 0.0, 2.7, 10.0, 8.0, 0.3))
        found = [self.thing("IFCSLAB", "roof-slab", slab, inside, "$,.FLOOR.")]
        stair = self.thing("IFCSTAIR", "stair", "$", inside, "$,.NOTDEFINED.")
        shape = self.box((1.0, 1.0, 3.0, 1.0, 3.0, 1.0))
        tail = "$,$,$,$,$" + ("" if self.house.schema == "IFC2X3" else ",$")
        self.gather(stair, [self.thing("IFCSTAIRFLIGHT", "flight", shape, inside, tail)])
        ends = [self.add(f"IFCCARTESIANPOINT(({x}.,0.,0.))") for x in (0, 1)]
        line = self.add(f"IFCPOLYLINE(({','.join(ends)}))")
        axis = self.add(f"IFCSHAPEREPRESENTATION(#8,'Axis','Curve3D',({line}))")
        shape = self.add(f"IFCPRODUCTDEFINITIONSHAPE($,$,({axis}))")
        return [*found, stair, self.thing("IFCBUILDINGELEMENTPROXY", "axis", shape, inside, "$,$")]

    def gather(self, whole: str, parts: list[str]) -> None:
        self.add(f"IFCRELAGGREGATES('a{self.last}',$,$,$,{whole},({','.join(parts)}))")

    def contain(self, storey: str, things: list[str]) -> None:
        self.add(
            f"IFCRELCONTAINEDINSPATIALSTRUCTURE('c{self.last}',$,$,$,({','.join(things)}),{storey})"
        )


def _encoded(words: str) -> str:
    """Return a text as STEP writes it: beyond ASCII in \\X2\\ hex."""
    out = ""
    for letter in words:
        out += letter if letter.isascii() else f"\\X2\\{ord(letter):04X}\\X0\\"
    return out
