package photo

// scenes are all photographs of the demo world.
func scenes() map[string]scene {
	out := map[string]scene{}
	for _, m := range []map[string]scene{craft(), table(), growing(), outside()} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

func craft() map[string]scene {
	return map[string]scene{
		"bowls": {"Three stoneware bowls on an oak table, glazed in blue, green and amber", bright(oak, 101), func(s *stage) {
			s.behind(.012, func(b *stage) {
				b.turned(turned{x: 1.12, y: .6, high: .3, r: vase(.1, .035), made: glaze(0xd9d2c0, 0xa98560, .04, 4), open: true, in: clay(0x3a2a1c, 1), depth: .2})
			})
			s.turned(turned{x: .42, y: .66, high: .15, r: bowl(.19), made: glaze(0x2f4a8c, 0x9a7350, .035, 5), in: shiny(0x27407c, .7), open: true, depth: .45})
			s.turned(turned{x: .98, y: .74, high: .14, r: bowl(.17), made: glaze(0xc98a2e, 0x9a7350, .03, 6), in: shiny(0xb67a26, .7), open: true, depth: .42})
			s.turned(turned{x: .68, y: .88, high: .13, r: bowl(.16), made: glaze(0x4f7d62, 0x8c6644, .03, 7), in: shiny(0x47745a, .7), open: true, depth: .4})
		}},
		"vases": {"A tall white vase and a small blue one in morning light", bright(chalk, 102), func(s *stage) {
			s.turned(turned{x: .62, y: .8, high: .52, r: vase(.15, .05), made: glaze(0xe8e1d2, 0xb08a64, .06, 8), open: true, in: shiny(0x2a2018, .1), depth: .3})
			s.turned(turned{x: .98, y: .86, high: .27, r: vase(.12, .045), made: glaze(0x355c8a, 0x9c7350, .05, 9), open: true, in: shiny(0x1a1a22, .1), depth: .3})
		}},
		"notebooks": {"A stack of cloth-bound notebooks with a pencil", bright(oak, 103), func(s *stage) {
			for i, c := range []uint32{0x8d3b2f, 0x2f4f5e, 0xc49a45} {
				o := float32(i)
				s.slab(slab{x: .72 + .012*o, y: .9 - .075*o, a: [2]float32{.5 - .02*o, -.12}, b: [2]float32{-.42 + .02*o, -.14}, thick: .07, top: linen(c, uint32(40+i)), sides: pages()})
			}
			stroke(s.l, .5, .55, .95, .6, .011, shiny(0xd8a23a, .4), s.warm)
			stroke(s.l, .95, .6, .975, .603, .007, shiny(0x2a2320, .2), s.warm)
		}},
		"journal": {"A pad of lined paper and a fountain pen on linen", bright(cloth, 104), func(s *stage) {
			s.slab(slab{x: .74, y: .92, a: [2]float32{.55, -.16}, b: [2]float32{-.55, -.16}, thick: .035, top: paper(0xf4ecdc, 26), sides: pages()})
			stroke(s.l, .95, .88, 1.28, .66, .012, shiny(0x23262b, .7), s.warm)
			s.turned(turned{x: .3, y: .62, high: .12, r: tube(.075), made: shiny(0x2c3a52, .8), open: true, in: coffee(), depth: .2})
		}},
		"pens": {"Brushes and pens in a tin on a wooden desk", blue(ash, 105), func(s *stage) {
			for i, c := range []uint32{0xb3462e, 0x2c2c2c, 0xd9a441, 0x2f6b5a, 0x7a4a2b} {
				o := float32(i) - 2
				stroke(s.l, .72+o*.018, .62, .72+o*.085, .2+.05*o*o*.4, .012, shiny(c, .5), s.warm)
			}
			s.turned(turned{x: .72, y: .82, high: .28, r: tube(.11), made: shiny(0x9aa3a8, .9), open: false})
			s.slab(slab{x: 1.08, y: .92, a: [2]float32{.26, -.09}, b: [2]float32{-.22, -.09}, thick: .02, top: paper(0xfbf6ea, 0), sides: pages()})
		}},
		"yarn": {"Balls of wool in rust, cream and blue on a bench", bright(ash, 106), func(s *stage) {
			s.behind(.01, func(b *stage) {
				b.ball(ball{1.16, .52, .13, 1, wool(0x4c6a56, 61)})
				b.ball(ball{.36, .5, .12, 1, wool(0xd8b25a, 62)})
			})
			s.ball(ball{.52, .68, .19, .97, wool(0xa8442a, 63)})
			s.ball(ball{.98, .7, .18, .97, wool(0xe6dcc6, 64)})
			s.ball(ball{.76, .86, .13, .97, wool(0x3f5d86, 65)})
			stroke(s.l, .3, .93, 1.05, .82, .008, shiny(0xc79a5a, .6), s.warm)
			stroke(s.l, .34, .96, 1.1, .89, .008, shiny(0xc79a5a, .6), s.warm)
		}},
		"mohair": {"Two large balls of pink and grey wool before a green wall", green(oak, 107), func(s *stage) {
			s.ball(ball{.58, .7, .24, .98, wool(0xd48c90, 66)})
			s.ball(ball{1.02, .76, .2, .98, wool(0x8d9096, 67)})
		}},
		"spools": {"Spools of thread in a row", blue(chalk, 108), func(s *stage) {
			for i, c := range []uint32{0xc4432f, 0xe0a63c, 0xe9e2d2, 0x3d7a63, 0x2f4d83} {
				o := float32(i)
				x := .3 + .225*o
				s.turned(turned{x: x, y: .8, high: .3, r: func(h float32) float32 {
					return .06 + .018*(smooth(.1, .06, h)+smooth(.9, .94, h))
				}, made: matter{gloss: .2, rough: .1, grain: 30, seed: 4, paint: func(u, v float32) rgbf {
					if v < .025 || v > .275 {
						return hex(0xb98a58)
					}
					return hex(c).mul(.75 + .25*sin(v*900))
				}}})
			}
		}},
	}
}

func table() map[string]scene {
	return map[string]scene{
		"loaf": {"A round sourdough loaf with flour on its crust", bright(oak, 111), func(s *stage) {
			s.behind(.014, func(b *stage) {
				b.turned(turned{x: .26, y: .56, high: .34, r: bottle(.07, .025), made: shiny(0x5d7350, .9)})
				b.turned(turned{x: 1.24, y: .58, high: .16, r: bowl(.15), made: shiny(0xd8d0c0, .4), open: true, in: crumbs(0xd8cbb0, 0xf2ead8, 30, 3), depth: .2})
			})
			s.ball(ball{.75, .72, .33, .62, crust(71)})
		}},
		"rolls": {"Four small rolls on a linen cloth", bright(cloth, 112), func(s *stage) {
			s.ball(ball{.48, .62, .16, .68, crust(72)})
			s.ball(ball{.92, .6, .17, .66, crust(73)})
			s.ball(ball{1.14, .78, .16, .68, crust(74)})
			s.ball(ball{.66, .84, .18, .66, crust(75)})
		}},
		"starter": {"A jar of sourdough starter beside a bowl of flour", green(ash, 113), func(s *stage) {
			s.turned(turned{x: 1.02, y: .8, high: .17, r: bowl(.21), made: glaze(0xe4dccb, 0xb7936c, .03, 12), open: true, in: crumbs(0xd9cdb4, 0xfaf4e6, 24, 5), depth: .12})
			s.turned(turned{x: .55, y: .84, high: .4, r: tube(.13), open: true, depth: .3, in: crumbs(0xcdb98f, 0xefe2c2, 40, 6), made: matter{gloss: .95, paint: func(u, v float32) rgbf {
				dough := mix(hex(0xd9c8a2), hex(0xf0e6cc), smooth(-.2, .4, cloud(u*26, v*26, 3, 7)))
				return mix(dough, hex(0xa9b8b0), smooth(.27, .285, v))
			}}})
		}},
		"espresso": {"An espresso in a dark cup, beans around it", bright(night, 114), func(s *stage) {
			for i := range 46 {
				k := int32(i)
				x, y := .2+hash(k, 1, 8)*1.1, .6+hash(k, 2, 8)*.36
				s.ball(ball{x, y, .021 + .006*hash(k, 3, 8), .72, shiny(0x4a2814, .5)})
			}
			s.turned(turned{x: .74, y: .84, high: .045, r: bowl(.25), made: shiny(0xe6e0d4, .6), open: true, in: shiny(0xd8d0c2, .5), depth: .2})
			s.turned(turned{x: .74, y: .8, high: .21, r: cup(.165), made: shiny(0x26333d, .8), open: true, in: coffee(), depth: .28})
		}},
		"beans": {"Jars of roasted coffee beans on a shelf", dark(115, 0xffb35a), func(s *stage) {
			for i, c := range []uint32{0x5d3418, 0x3a1e0d, 0x774a25} {
				x := .4 + .36*float32(i)
				s.turned(turned{x: x, y: .84 + .02*float32(i%2), high: .42, r: tube(.14), made: matter{gloss: .95, paint: func(u, v float32) rgbf {
					b := mix(hex(0x160b05), hex(c), smooth(-.25, .45, cloud(u*32+float32(i)*7, v*42, 2, 9)))
					return mix(b, hex(0x8f8a80), smooth(.34, .36, v))
				}}})
				s.turned(turned{x: x, y: .845 - .42 + .02*float32(i%2), high: .05, r: tube(.146), made: shiny(0xa9773f, .4)})
			}
		}},
		"pourover": {"A glass pot of coffee in evening light", dark(116, 0xff9a4d), func(s *stage) {
			s.turned(turned{x: .72, y: .86, high: .4, r: vase(.2, .09), open: true, depth: .3, in: shiny(0x2a1206, .5), made: matter{gloss: 1, paint: func(u, v float32) rgbf {
				return mix(hex(0x3b1605), hex(0x9a8a76), smooth(.19, .2, v))
			}}})
			s.turned(turned{x: 1.12, y: .88, high: .15, r: cup(.1), made: shiny(0xd8cdb8, .5), open: true, in: coffee(), depth: .25})
		}},
		"candles": {"Three candles burning at dusk", dark(117, 0xff8f3f), func(s *stage) {
			s.turned(turned{x: .45, y: .8, high: .42, r: tube(.095), made: wax(0xe9d7b4)})
			s.turned(turned{x: .78, y: .9, high: .26, r: tube(.12), made: wax(0xd98a5b)})
			s.turned(turned{x: 1.08, y: .82, high: .34, r: tube(.085), made: wax(0xc9b9a5)})
			flame(s.l, .45, .385, .1)
			flame(s.l, .78, .645, .1)
			flame(s.l, 1.08, .485, .1)
		}},
		"tin": {"One candle in an amber glass before far lights", dark(118, 0xffc27a), func(s *stage) {
			s.turned(turned{x: .75, y: .88, high: .34, r: tube(.17), open: true, in: wax(0xf3dfb6), depth: .25, made: matter{gloss: 1, paint: func(u, v float32) rgbf {
				label := smooth(.16, .158, float32(abs(u-.0))) * smooth(.07, .072, v) * smooth(.25, .248, v)
				return mix(mix(hex(0x6b2d08), hex(0xe08a2c), smooth(.02, .33, v)), hex(0xf4ead6), label)
			}}})
			flame(s.l, .75, .56, .09)
		}},
		"soap": {"Blocks of soap in green, rose and white", bright(slate, 119), func(s *stage) {
			bar := func(x, y float32, c uint32, seed uint32) {
				m := matter{gloss: .3, rough: .05, grain: 20, seed: seed, paint: func(u, v float32) rgbf {
					return mix(hex(c), hex(0xf6f1e6), smooth(.1, .5, cloud(u*9, v*14, 3, seed)))
				}}
				s.slab(slab{x: x, y: y, a: [2]float32{.26, -.08}, b: [2]float32{-.2, -.08}, thick: .1, top: m, sides: m})
			}
			bar(1.02, .68, 0xe8e2d4, 81)
			bar(.52, .72, 0x7c9a76, 82)
			bar(.8, .9, 0xcf8f86, 83)
		}},
	}
}

func abs(v float32) float32 { return max(v, -v) }
