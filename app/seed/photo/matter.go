package photo

import "math"

// The things things are made of.

func plain(c rgbf) func(u, v float32) rgbf { return func(_, _ float32) rgbf { return c } }

// glaze runs over clay and stops in a wavy line, with speckles where the iron came through.
func glaze(top, clay uint32, line float32, seed uint32) matter {
	g, c := hex(top), hex(clay)
	return matter{gloss: .75, rough: .05, grain: 26, seed: seed, paint: func(u, v float32) rgbf {
		edge := line + .018*cloud(u*9, 3, 3, seed)
		if v < edge {
			return c.mul(1 + .25*cloud(u*30, v*160, 3, seed+3))
		}
		thin := smooth(edge, edge+.03, v)
		out := mix(mix(g, c, .45), g, thin).mul(1 + .22*cloud(u*8, v*8, 3, seed+5))
		if s := noise(u*150, v*150, seed+7); s > .74 {
			out = mix(out, hex(0x3a2a1c), .6)
		}
		return out
	}}
}

func clay(n uint32, seed uint32) matter {
	c := hex(n)
	return matter{gloss: .1, rough: .1, grain: 60, seed: seed, paint: func(u, v float32) rgbf {
		return c.mul(1 + .1*sin(v*420+cloud(u*6, v*9, 2, seed)*3) + .25*cloud(u*20, v*40, 3, seed))
	}}
}

func shiny(n uint32, gloss float32) matter {
	c := hex(n)
	return matter{gloss: gloss, paint: func(u, v float32) rgbf { return c.mul(1 + .06*cloud(u*7, v*7, 2, 5)) }}
}

// wool is wound: strands that cross, each with its own light.
func wool(n uint32, seed uint32) matter {
	c := hex(n)
	return matter{gloss: .02, rough: .5, grain: 26, seed: seed, paint: func(u, v float32) rgbf {
		turn := cloud(u*3.2, v*3.2, 2, seed) * 5
		dir := float32(.5)
		if noise(u*5+40, v*5, seed+9) > 0 {
			dir = 2.1
		}
		s := sin((u*float32(math.Cos(float64(dir+turn*.16)))+v*sin(dir+turn*.16))*430 + turn)
		hair := 1 + .3*cloud(u*240, v*240, 2, seed+2)
		return c.mul((.5 + .5*smooth(-1, .7, s)) * hair)
	}}
}

// crust is bread's: dark ridges, pale where it tore, flour on top.
func crust(seed uint32) matter {
	return matter{gloss: .06, rough: .35, grain: 24, seed: seed, paint: func(u, v float32) rgbf {
		n := cloud(u*11, v*13, 4, seed)
		c := mix(hex(0xb8763a), hex(0x6b3512), smooth(-.3, .4, n+v*.9))
		c = c.mul(1 + .3*cloud(u*70, v*70, 3, seed+2))
		for i := range 3 { // where the baker cut it
			o := float32(i-1) * .17
			cut := abs(u*.8 - o + v*.35 + .03*cloud(u*8, v*6, 2, seed+4))
			c = mix(hex(0xe6c291).mul(1+.35*cloud(u*60, v*60, 3, seed+8)), c, smooth(.008, .034, cut+smooth(.02, .3, v)*.05))
		}
		flour := smooth(.05, .7, cloud(u*30, v*30, 4, seed+11)-v*2.2-.05)
		return mix(c, hex(0xf3e8d4), flour*.6)
	}}
}

func wax(n uint32) matter {
	c := hex(n)
	return matter{gloss: .22, rough: .03, grain: 30, seed: 3, paint: func(u, v float32) rgbf {
		return mix(c, hex(0xffc36b), .4*smooth(.06, .26, v)).mul(1 + .05*cloud(u*12, v*12, 2, 8))
	}}
}

// paper has fibres, and lines if there are any.
func paper(n uint32, lines float32) matter {
	c, ink := hex(n), hex(0x7d8fc9)
	return matter{gloss: .03, rough: .04, grain: 120, seed: 2, paint: func(u, v float32) rgbf {
		out := c.mul(1 + .05*cloud(u*90, v*90, 3, 2))
		if lines > 0 {
			k := v * lines
			k -= float32(math.Floor(float64(k)))
			out = mix(ink, out, .3+.7*smooth(.02, .06, float32(math.Abs(float64(k-.5)))))
		}
		return out
	}}
}

// pages are the edges of many sheets.
func pages() matter {
	return matter{gloss: .02, paint: func(u, v float32) rgbf {
		return hex(0xe9dcc3).mul(.86 + .12*sin(v*1500) + .1*noise(u*8, v*700, 4))
	}}
}

func linen(n uint32, seed uint32) matter {
	c := hex(n)
	return matter{gloss: .03, rough: .3, grain: 200, seed: seed, paint: func(u, v float32) rgbf {
		weave := sin(u*1300)*.5 + sin(v*1300)*.5
		return c.mul(.9 + .1*weave + .14*cloud(u*60, v*240, 2, seed) + .14*cloud(u*240, v*60, 2, seed+1))
	}}
}

func wood(dark, light uint32, seed uint32) matter {
	a, b := hex(dark), hex(light)
	return matter{gloss: .12, rough: .06, grain: 40, seed: seed, paint: func(u, v float32) rgbf {
		ring := sin((v+.35*cloud(u*1.3, v*5, 3, seed))*46 + u*2)
		fine := cloud(u*9, v*180, 3, seed+4)
		return mix(a, b, clamp(.5+.34*ring+.5*fine, 0, 1))
	}}
}

// beans and earth: many small things in one mouth.
func crumbs(dark, light uint32, size float32, seed uint32) matter {
	a, b := hex(dark), hex(light)
	return matter{gloss: .2, rough: .9, grain: size, seed: seed, paint: func(u, v float32) rgbf {
		return mix(a, b, smooth(-.3, .5, cloud(u*size, v*size, 3, seed+1)))
	}}
}

func coffee() matter {
	return matter{gloss: .6, paint: func(u, v float32) rgbf {
		d := sqrt(u*u + v*v)
		crema := smooth(.1, .5, d+.25*cloud(u*5, v*5, 3, 6))
		return mix(hex(0x1d0d05), hex(0x8a5526), crema*.8)
	}}
}
