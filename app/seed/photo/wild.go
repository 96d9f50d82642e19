package photo

func growing() map[string]scene {
	terra := func(seed uint32) matter { return clay(0xb8653c, seed) }
	return map[string]scene{
		"fig": {"A fig with broad leaves in a clay pot", green(ash, 121), func(s *stage) {
			s.turned(turned{x: .75, y: .9, high: .26, r: pot(.16), made: terra(91), open: true, in: crumbs(0x1d140d, 0x4a3625, 40, 4), depth: .12})
			stroke(s.l, .75, .66, .74, .3, .012, clay(0x5a4630, 2), s.warm)
			s.plant(.745, .58, .3, 17, 0x3f6b35, .3, 92)
		}},
		"pots": {"Three young plants on a window sill", bright(chalk, 122), func(s *stage) {
			for i, g := range []uint32{0x5d8a3f, 0x3f7a55, 0x7a9a4a} {
				x := .36 + .39*float32(i)
				s.turned(turned{x: x, y: .86, high: .2, r: pot(.125), made: []matter{terra(93), shiny(0xd9d4c8, .5), shiny(0x4d5b63, .4)}[i], open: true, in: crumbs(0x1d140d, 0x4a3625, 40, 4), depth: .12})
				s.plant(x, .68, .24, 11, g, []float32{.16, .32, .2}[i], uint32(94+i))
			}
		}},
		"aloe": {"An aloe with pointed leaves before a blue wall", blue(oak, 123), func(s *stage) {
			s.turned(turned{x: .75, y: .9, high: .22, r: pot(.17), made: shiny(0xe2dccf, .5), open: true, in: crumbs(0x3a2c1e, 0x7c6a55, 40, 4), depth: .12})
			s.plant(.75, .71, .36, 19, 0x5f8f72, .1, 97)
		}},
	}
}

// view is a picture of the land: no table, only the layers of what lies behind each other.
func view(sky, low uint32, warm rgbf, seed uint32, ranges int, near, far uint32) func(s *stage) {
	return func(s *stage) {
		top, bottom := hex(sky), hex(low)
		each(0, 1, func(x, y float32, at int) {
			c := mix(top, bottom, smooth(0, .62, y))
			k := smooth(.1, .6, cloud(x*1.6, y*7, 5, seed)) * smooth(.6, .15, y)
			c = mix(c, hex(0xfff2e2).times(warm), k*.55)
			d := (x-.95)*(x-.95) + (y-.45)*(y-.45)
			s.l.over(at, c.times(warm).add(warm.mul(.9*exp(-d*16)+.35*exp(-d*3))), 1)
		})
		for i := range ranges {
			o := float32(i) / float32(ranges-1)
			base := .5 + .34*o*o
			ridge(s, base, .2-.09*o, 2.2+1.6*o, mix(hex(far), hex(near), pow(o, 1.3)), mix(bottom, hex(far), .4), seed+uint32(i)*5, o, warm)
		}
	}
}

func ridge(s *stage, base, high, fine float32, c, haze rgbf, seed uint32, near float32, warm rgbf) {
	line := make([]float32, photoWide+4)
	for i := range line {
		x := float32(i) / photoHigh
		line[i] = base - high*(1-2*abs(cloud(x*fine, float32(seed), 5, seed)))*.8 + .012*cloud(x*60, 1, 3, seed+2)*near
	}
	each(0, 1, func(x, y float32, at int) {
		i := at / 4 % photoWide
		below := y - line[i]
		if below < -.003 {
			return
		}
		slope := (line[i+3] - line[i]) * 90
		rock := 1 + .5*cloud(x*26*(1+near), y*40*(1+near), 4, seed+3)
		light := .62 + .55*smooth(-1, 1, slope+.8*cloud(x*9, y*14, 3, seed+4))
		out := c.mul(light * rock).times(warm)
		out = mix(out, haze.times(warm), smooth(.0, .3, below)*(1-near)*.75)
		s.l.over(at, out, smooth(-.0015, .0015, below))
	})
}

// sea is water to the horizon with the light of the sun or the moon on it.
func sea(s *stage, horizon float32, deep, sky uint32, glow rgbf, at0 float32, seed uint32) {
	each(horizon, 1, func(x, y float32, at int) {
		z := 1 / (y - horizon + .02)
		wave := cloud(x*z*2.2, z*9, 4, seed) + .5*cloud(x*z*7, z*26, 3, seed+4)
		c := mix(hex(sky), hex(deep), smooth(0, .3, y-horizon)*.9+.1)
		c = c.mul(.8 + .5*wave)
		path := exp(-(x-at0)*(x-at0)/(.004+.05*(y-horizon))) * smooth(.05, .45, wave+.18)
		s.l.over(at, c.add(glow.mul(path)), 1)
	})
}

func outside() map[string]scene {
	none := place{wall: 0, wallLow: 0, table: plain(rgbf{}), horizon: 1, warm: noon, seed: 131}
	with := func(seed uint32) place { p := none; p.seed = seed; return p }
	return map[string]scene{
		"alps":  {"Mountain ranges behind each other in evening haze", with(131), view(0x6f93bd, 0xf0b98a, rgbf{1.08, .97, .86}, 131, 6, 0x1f2a2c, 0x8d86a0)},
		"hills": {"Green hills under a wide morning sky", with(132), view(0x79a7d3, 0xe7ddc4, noon, 142, 5, 0x2c4a24, 0x8fae9a)},
		"dunes": {"Dunes in low light", with(133), view(0x87a6bf, 0xf3cfa0, rgbf{1.12, .98, .8}, 157, 4, 0x8a5a2c, 0xd9a970)},
		"moonsea": {"The sea at night, the moon low over the water", with(134), func(s *stage) {
			each(0, 1, func(x, y float32, at int) {
				d := sqrt((x-.98)*(x-.98) + (y-.24)*(y-.24))
				c := mix(hex(0x0b1626), hex(0x2d4a63), smooth(0, .5, y)).mul(1 + .3*cloud(x*2, y*6, 5, 9))
				c = c.add(rgbf{.9, .95, 1}.mul(smooth(.052, .046, d)*1.6 + .22*exp(-d*7)))
				s.l.over(at, c, 1)
			})
			sea(s, .5, 0x050c14, 0x24405a, rgbf{.85, .92, 1}, .98, 12)
			for i := range 7 {
				x := .08 + .085*float32(i)
				stroke(s.l, x, .5, x-.006*float32(i), .68-.012*float32(i), .008, matter{paint: plain(hex(0x04080c))}, noon)
			}
			stroke(s.l, -.1, .515, .68, .49, .012, matter{paint: plain(hex(0x060b10))}, noon)
		}},
		"sunsea": {"A calm sea at sunset", with(135), func(s *stage) {
			view(0x5d7fa8, 0xf7b27a, rgbf{1.1, .95, .82}, 166, 2, 0x3a3440, 0x6d5f78)(s)
			sea(s, .56, 0x1d3346, 0xd99a74, rgbf{1.5, .9, .45}, .95, 13)
		}},
	}
}
