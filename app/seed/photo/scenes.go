package photo

// scene is a photograph: where, and what stands there.
type scene struct {
	alt string
	at  place
	put func(s *stage)
}

// stage is a picture being taken.
type stage struct {
	l    *layer
	warm rgbf
}

// behind puts things out of focus.
func (s *stage) behind(blur float32, put func(*stage)) {
	far := &stage{newLayer(), s.warm}
	put(far)
	far.l.blur(blur)
	s.l.paste(far.l)
}

func (s *stage) turned(t turned) {
	shadow(s.l, t.x, t.y, t.r(.02)*1.05+t.high*.1, .62)
	t.draw(s.l, s.warm)
}

func (s *stage) ball(b ball) {
	shadow(s.l, b.x+.01, b.y+b.r*b.flat*.82, b.r*.92, .75)
	b.draw(s.l, s.warm)
}

func (s *stage) slab(b slab) {
	shadow(s.l, b.x+(b.a[0]+b.b[0])/2+.02, b.y+(b.a[1]+b.b[1])/2+.02, (b.a[0]-b.b[0])*.5, .6)
	b.draw(s.l, s.warm)
}

// Profiles: the radius at each height of what is made on a wheel.

func bowl(r float32) func(float32) float32 {
	return func(h float32) float32 { return r * (.42 + .58*pow(h, .55) - .06*smooth(.08, 0, h)) }
}

func vase(r, neck float32) func(float32) float32 {
	return func(h float32) float32 {
		belly := r * (.62 + .38*sin(3.1*pow(h, .8)+.15))
		n := neck * (1 + .35*smooth(.9, 1, h))
		return belly*(1-smooth(.55, .8, h)) + n*smooth(.55, .8, h)
	}
}

func tube(r float32) func(float32) float32 {
	return func(h float32) float32 { return r * (1 - .05*smooth(.05, 0, h)) }
}

func cup(r float32) func(float32) float32 {
	return func(h float32) float32 { return r * (.66 + .34*pow(h, .6)) }
}

func bottle(r, neck float32) func(float32) float32 {
	return func(h float32) float32 {
		k := smooth(.52, .72, h)
		return r*(1-k) + neck*k*(1+.18*smooth(.95, .97, h))
	}
}

func pot(r float32) func(float32) float32 {
	return func(h float32) float32 { return r*(.72+.24*h) + r*.08*smooth(.8, .82, h) }
}

// plant grows leaves out of a pot.
func (s *stage) plant(x, y, size float32, n int, green uint32, narrow float32, seed uint32) {
	for i := range n {
		k := int32(i)
		side := float32(i%2)*2 - 1
		lift := -1.57 + side*(.15+1.25*hash(k, 7, seed)*(1-float32(i)/float32(n)*.75))
		long := size * (.65 + .5*hash(k, 8, seed))
		bx, by := x+side*.03*hash(k, 9, seed), y-size*.25*hash(k, 10, seed)
		shade := .75 + .5*hash(k, 11, seed)
		c := hex(green).mul(shade)
		leaf(s.l, bx, by, lift, long, long*narrow, green, s.warm.mul(shade), seed+uint32(i))
		_ = c
	}
}

var (
	oak   = wood(0x6b4526, 0xa8784a, 11)
	ash   = wood(0xb59a78, 0xd8c3a0, 12)
	slate = matter{paint: func(u, v float32) rgbf { return hex(0x3d4245).mul(1 + .35*cloud(u*5, v*5, 4, 21)) }}
	chalk = matter{paint: func(u, v float32) rgbf { return hex(0xd9d4cb).mul(1 + .12*cloud(u*4, v*4, 4, 22)) }}
	cloth = linen(0xd6c7ae, 31)
	night = wood(0x24170e, 0x49301d, 13)

	morning = rgbf{1.06, 1, .93}
	noon    = rgbf{1, 1, 1}
	evening = rgbf{1.2, .92, .66}
)

func bright(table matter, seed uint32) place {
	return place{wall: 0xe9e3d8, wallLow: 0xcfc6b6, table: table.paint, horizon: .46, warm: morning, pane: .5, seed: seed}
}

func green(table matter, seed uint32) place {
	return place{wall: 0x8fa08c, wallLow: 0x6f8270, table: table.paint, horizon: .42, warm: noon, pane: .45, seed: seed}
}

func blue(table matter, seed uint32) place {
	return place{wall: 0x6c86a3, wallLow: 0x52697f, table: table.paint, horizon: .44, warm: morning, pane: .5, seed: seed}
}

func dark(seed uint32, lamp uint32) place {
	return place{wall: 0x1b1715, wallLow: 0x2a211b, table: night.paint, horizon: .5, warm: evening, lamps: 26, lamp: lamp, seed: seed}
}

// Take makes the photograph of a name, and says what it shows. The same name is the same bytes on one machine.
func Take(name string) (file []byte, alt string, err error) {
	sc, ok := scenes()[name]
	if !ok {
		panic("photo: there is no scene " + name)
	}
	s := &stage{sc.at.draw(), sc.at.warm}
	sc.put(s)
	file, err = s.l.film(sc.at.seed)
	return file, sc.alt, err
}
