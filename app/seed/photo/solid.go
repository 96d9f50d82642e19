package photo

import "math"

// sun is where the light comes from: left, above, before.
var sun = unit(vec{-.55, -.62, .56})

type vec struct{ x, y, z float32 }

func unit(v vec) vec {
	n := sqrt(v.x*v.x + v.y*v.y + v.z*v.z)
	return vec{v.x / n, v.y / n, v.z / n}
}

func (a vec) dot(b vec) float32 { return a.x*b.x + a.y*b.y + a.z*b.z }

// matter is what a thing is made of: its colour at a place around and along it, how it shines, how rough it is.
type matter struct {
	paint func(u, v float32) rgbf
	gloss float32
	rough float32 // of the surface, which bends its normals
	grain float32 // how fine that roughness is
	seed  uint32
}

// lit is the colour of m at u, v with the normal n.
func (m matter) lit(u, v float32, n vec, warm rgbf) rgbf {
	if m.rough > 0 {
		n = unit(vec{n.x + m.rough*cloud(u*m.grain, v*m.grain, 3, m.seed), n.y + m.rough*cloud(u*m.grain+9, v*m.grain, 3, m.seed+40), n.z})
	}
	d := n.dot(sun)
	key := smooth(-.35, 1, d) * 1.35
	fill := .2 + .12*(1-n.y)*.5 + .16*max(0, n.x)
	c := m.paint(u, v)
	out := c.times(warm.mul(key).add(rgbf{fill * .9, fill * .97, fill * 1.1}))
	h := unit(vec{sun.x, sun.y, sun.z + 1})
	s := pow(max(0, n.dot(h)), 12+90*m.gloss) * m.gloss * 1.6
	edge := pow(1-max(0, n.z), 3) * m.gloss * .35
	return out.add(warm.mul(s)).add(rgbf{edge * .8, edge * .9, edge})
}

// turned is a thing made on a wheel: its radius at each height, seen from a little above.
type turned struct {
	x, y  float32 // the middle of its foot
	high  float32
	r     func(h float32) float32 // h from 0 to 1
	made  matter
	in    matter // what one sees in its mouth
	depth float32
	open  bool
}

const tilt = .3 // how much a circle lying on the table is flattened

func (t turned) draw(l *layer, warm rgbf) {
	widest := float32(0)
	for i := range 65 {
		widest = max(widest, t.r(float32(i)/64))
	}
	soft := float32(1.2) / photoHigh
	rim := t.r(1)
	each(t.y-t.high-widest*tilt-.01, t.y+widest*tilt+.01, func(x, y float32, at int) {
		dx := x - t.x
		if dx < -widest-soft || dx > widest+soft {
			return
		}
		mx, my := dx/max(rim, 1e-4), (y-(t.y-t.high))/(max(rim, 1e-4)*tilt)
		mouth := mx*mx + my*my
		h, ok, cover := t.hit(dx, y, soft)
		if ok {
			r := t.r(h)
			nx := clamp(dx/r, -1, 1)
			nz := sqrt(1 - nx*nx)
			slope := (t.r(min(1, h+.02)) - t.r(max(0, h-.02))) / (.04 * t.high)
			n := unit(vec{nx, slope - nz*.12, nz})
			u := float32(math.Atan2(float64(nx), float64(nz)))
			c := t.made.lit(u*r, h*t.high, n, warm)
			c = c.mul(.45 + .55*smooth(0, .16, h)) // it stands in its own shadow
			l.over(at, c, cover)
		}
		if mouth < 1.06 {
			t.inside(l, at, mx, my, mouth, rim, warm)
		}
	})
}

// hit finds the height at which the front of the thing is seen.
func (t turned) hit(dx, y, soft float32) (h float32, ok bool, cover float32) {
	z := float32(0)
	for range 7 {
		h = clamp((t.y-y+z*tilt)/t.high, 0, 1)
		r := t.r(h)
		z = sqrt(r*r - dx*dx)
	}
	raw := (t.y - y + z*tilt) / t.high
	r := t.r(h)
	cover = smooth(-soft, soft, r-float32(math.Abs(float64(dx)))) * smooth(-soft/t.high, soft/t.high, raw) * smooth(-soft/t.high, soft/t.high, 1-raw)
	return h, cover > 0 && r > 1e-4, cover
}

func (t turned) inside(l *layer, at int, mx, my, mouth, rim float32, warm rgbf) {
	edge := 2 / (rim * photoHigh)
	cover := smooth(1+edge*2, 1-edge*2, mouth)
	if !t.open {
		c := t.made.lit(mx*rim, my*rim, unit(vec{mx * .25, -.95 + my*.1, .35}), warm)
		l.over(at, c, cover)
		return
	}
	lip := t.made.lit(mx*rim, t.high, unit(vec{mx, my * .4, .8}), warm).mul(1.12)
	l.over(at, lip, cover)
	inner := smooth(.90+edge*2, .90-edge*2, mouth)
	if inner == 0 {
		return
	}
	wall := t.made.lit(mx*rim, my*rim, unit(vec{-mx, -.25 - my*.4, .45}), warm).mul(.5 + .3*my)
	sunk := my - t.depth // the surface lies deeper: it is moved down, and the near wall hides it
	flat := mx*mx/.81 + sunk*sunk/.81
	c := wall
	if t.in.paint != nil {
		s := t.in.lit(mx*rim*3, my*rim*3, unit(vec{mx * .15, -1, .45}), warm)
		c = mix(wall, s.mul(.72+.28*smooth(-1, .8, my)), smooth(1.02, .96, flat))
	}
	l.over(at, c, inner)
}

// shadow darkens the table round a foot at x, y, away from the light.
func shadow(l *layer, x, y, r, strength float32) {
	each(y-r*1.2, y+r*1.4, func(px, py float32, at int) {
		dx, dy := px-x, (py-y)/tilt
		long := dx*.86 + dy*.2
		side := dy*.95 - dx*.18
		if long > 0 {
			long /= 2.3
		}
		d := (long*long + side*side) / (r * r)
		if d < 7 {
			l.shade(at, 1-strength*exp(-d*1.1)*(1-.25*smooth(0, 3, d)))
		}
	})
}

// ball is round, such as fruit, yarn or a loaf when it is flattened.
type ball struct {
	x, y, r, flat float32
	made          matter
}

func (b ball) draw(l *layer, warm rgbf) {
	rh := b.r * b.flat
	soft := 1.5 / (b.r * photoHigh)
	each(b.y-rh-.01, b.y+rh+.01, func(x, y float32, at int) {
		dx, dy := (x-b.x)/b.r, (y-b.y)/rh
		d := sqrt(dx*dx + dy*dy)
		if d > 1+soft {
			return
		}
		nz := sqrt(1 - min(1, d*d))
		c := b.made.lit(dx*b.r/(.35+.65*nz), dy*rh/(.35+.65*nz), unit(vec{dx, dy, nz + .02}), warm)
		c = c.mul(.4 + .6*smooth(1, .45, dy))
		l.over(at, c, smooth(1+soft, 1-soft, d))
	})
}

// slab is a thing with corners that lies on the table: a book, a block of soap, a card. It shows its upper side and two others.
type slab struct {
	x, y       float32 // the corner nearest to us
	a, b       [2]float32
	thick      float32
	top, sides matter
}

func (s slab) draw(l *layer, warm rgbf) {
	det := s.a[0]*s.b[1] - s.a[1]*s.b[0]
	soft := float32(1.5) / photoHigh
	face := func(x, y float32) (u, v float32) {
		dx, dy := x-s.x, y-(s.y-s.thick)
		return (dx*s.b[1] - dy*s.b[0]) / det, (dy*s.a[0] - dx*s.a[1]) / det
	}
	la, lb := sqrt(s.a[0]*s.a[0]+s.a[1]*s.a[1]), sqrt(s.b[0]*s.b[0]+s.b[1]*s.b[1])
	side := func(l *layer, at int, x, y float32, e [2]float32, length, light float32) {
		k := (x - s.x) / e[0]
		base := s.y + e[1]*k
		if k < 0 || k > 1 || y > base+soft || y < base-s.thick-soft {
			return
		}
		cover := smooth(base+soft, base-soft, y)
		c := s.sides.lit(k*length, base-y, unit(vec{light, -.1, .8}), warm)
		l.over(at, c.mul(.35+.65*smooth(0, s.thick, base-y+s.thick*.2)), cover)
	}
	each(s.y-s.thick+s.a[1]+s.b[1]-.02, s.y+.02, func(x, y float32, at int) {
		side(l, at, x, y, s.a, la, .75)
		side(l, at, x, y, s.b, lb, -.75)
		u, v := face(x, y)
		e := min(min(u, 1-u)*la, min(v, 1-v)*lb)
		if e > -soft {
			l.over(at, s.top.lit(u*la, v*lb, vec{-.1, -.93, .35}, warm), smooth(-soft, soft, e))
		}
	})
}
