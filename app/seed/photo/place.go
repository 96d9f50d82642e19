package photo

import "math"

// place is where a picture is taken: a wall far away, a table before it, and the light on both.
type place struct {
	wall, wallLow uint32
	table         func(u, v float32) rgbf
	horizon       float32
	warm          rgbf
	pane          float32 // how bright the window's light is on the wall
	lamps         int     // lights far behind, out of focus
	lamp          uint32
	seed          uint32
}

func (p place) draw() *layer {
	l := newLayer()
	top, low := hex(p.wall), hex(p.wallLow)
	each(0, 1, func(x, y float32, at int) {
		if y < p.horizon {
			l.over(at, p.behind(top, low, x, y), 1)
			return
		}
		z := .42 / (y - p.horizon + .16)
		u, v := (x-aspect/2)*z, z*1.25
		c := p.table(u+3, v)
		focus := float32(math.Abs(float64(y - .8)))
		if far := smooth(.02, .5, focus); far > 0 {
			c = mix(c, p.table(u+3+far*.02, v+far*.03), .5)
		}
		d := (x-.35*aspect)*(x-.35*aspect)*.35 + (y-.72)*(y-.72)
		glow := .34 + .85*exp(-d*2.1)
		c = c.times(p.warm).mul(glow)
		haze := smooth(.16, 0, y-p.horizon)
		l.over(at, mix(c, low.times(p.warm).mul(.75), haze*.8), 1)
	})
	p.far(l)
	return l
}

func (p place) behind(top, low rgbf, x, y float32) rgbf {
	c := mix(top, low, smooth(0, p.horizon, y)).times(p.warm)
	s := x + y*.55 // the light of a window falls slanting
	pane := smooth(.34, .44, s)*smooth(.78, .68, s) + smooth(.84, .94, s)*smooth(1.3, 1.2, s)*.8
	light := (.55 + .6*exp(-((x-.4)*(x-.4)+(y-.3)*(y-.3))*1.3)) + p.pane*pane
	return c.mul(light * (1 + .03*cloud(x*3, y*3, 3, p.seed)))
}

// far are lamps so far away that each is a disc.
func (p place) far(l *layer) {
	for i := range p.lamps {
		k := int32(i)
		x, y := hash(k, 1, p.seed)*aspect, hash(k, 2, p.seed)*p.horizon*.95
		r := .018 + .038*hash(k, 3, p.seed)
		c := mix(hex(p.lamp), hex(0xfff0d0), hash(k, 4, p.seed)*.5).mul(.1 + .5*hash(k, 5, p.seed))
		each(y-r-.01, y+r+.01, func(px, py float32, at int) {
			d := sqrt((px-x)*(px-x)+(py-y)*(py-y)) / r
			if d < 1.1 && py < p.horizon+.02 {
				l.light(at, c.mul(smooth(1.06, .94, d)*(.75+.25*d*d)))
			}
		})
	}
}

// leaf is a blade from a stalk: lit on one half, darker on the other, with a rib between.
func leaf(l *layer, x, y, angle, long, wide float32, n uint32, warm rgbf, seed uint32) {
	ca, sa := float32(math.Cos(float64(angle))), sin(angle)
	green := hex(n)
	reach := long + wide
	each(y-reach, y+reach, func(px, py float32, at int) {
		dx, dy := px-x, py-y
		if dx*dx+dy*dy > reach*reach {
			return
		}
		u, v := (dx*ca+dy*sa)/long, (-dx*sa+dy*ca)/wide
		v += .22 * u * u
		if u < 0 || u > 1 {
			return
		}
		half := pow(u, .55) * pow(1-u, .7) * 1.5
		d := float32(math.Abs(float64(v)))
		if d > half {
			return
		}
		light := .55 + .4*smooth(-half, half, -v*sign(ca)) + .2*noise(u*4, v*3, seed)
		vein := smooth(.06, .0, float32(math.Abs(float64(sin((u+d*.5)*26)*half*.4)))) * .18
		rib := smooth(.05, 0, d)
		c := green.mul(light * (1 + vein + rib*.5)).times(warm.mul(1.15))
		edge := smooth(half, half-1.6/(wide*photoHigh), d) * smooth(0, .01, u) * smooth(1, .985, u)
		l.over(at, c.add(rgbf{.05, .06, .04}.mul(smooth(.3, .9, light)*.5)), edge)
	})
}

func sign(v float32) float32 {
	if v < 0 {
		return -1
	}
	return 1
}

// stroke is a line that is round: a stalk, a brush's handle, a needle.
func stroke(l *layer, x1, y1, x2, y2, r float32, m matter, warm rgbf) {
	dx, dy := x2-x1, y2-y1
	n := sqrt(dx*dx + dy*dy)
	ux, uy := dx/n, dy/n
	soft := float32(1) / photoHigh
	each(min(y1, y2)-r-.01, max(y1, y2)+r+.01, func(x, y float32, at int) {
		along := clamp((x-x1)*ux+(y-y1)*uy, 0, n)
		ox, oy := x-x1-ux*along, y-y1-uy*along
		d := sqrt(ox*ox + oy*oy)
		if d > r+soft {
			return
		}
		nz := sqrt(1 - min(1, d*d/(r*r)))
		c := m.lit(along, d, unit(vec{ox / r, oy / r, nz + .05}), warm)
		l.over(at, c, smooth(r+soft, r-soft, d))
	})
}

// flame is a candle's, with its glow on what is round it.
func flame(l *layer, x, y, high float32) {
	each(0, 1, func(px, py float32, at int) {
		dx, dy := px-x, (y-py)/high
		glow := exp(-((px-x)*(px-x)+(py-y+high*.5)*(py-y+high*.5))/(high*high*1.8)) * .5
		far := exp(-((px-x)*(px-x)+(py-y)*(py-y))*9) * .1
		l.light(at, rgbf{1, .52, .16}.mul(glow+far))
		if dy < 0 || dy > 1 {
			return
		}
		w := high * .2 * pow(dy, .5) * pow(1-dy, .8) * 1.9
		k := smooth(w, w*.35, float32(math.Abs(float64(dx))))
		l.light(at, rgbf{2.6, 1.75, .8}.mul(k*smooth(0, .2, dy)))
	})
}
