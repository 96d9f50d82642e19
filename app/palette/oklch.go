package palette

import (
	"fmt"
	"math"
)

// lch is a colour in OKLCH: lightness 0 to 1, chroma, hue in radians. The matrices are Björn Ottosson's,
// https://bottosson.github.io/posts/oklab/.
type lch struct{ l, c, h float64 }

func toLCH(hex string) lch {
	r, g, b := linear(hex)
	l := math.Cbrt(.4122214708*r + .5363325363*g + .0514459929*b)
	m := math.Cbrt(.2119034982*r + .6806995451*g + .1073969566*b)
	s := math.Cbrt(.0883024619*r + .2817188376*g + .6299787005*b)
	a := 1.9779984951*l - 2.428592205*m + .4505937099*s
	bb := .0259040371*l + .7827717662*m - .808675766*s
	return lch{.2104542553*l + .793617785*m - .0040720468*s, math.Hypot(a, bb), math.Atan2(bb, a)}
}

func (c lch) linear() (r, g, b float64) {
	a, bb := c.c*math.Cos(c.h), c.c*math.Sin(c.h)
	l := cube(c.l + .3963377774*a + .2158037573*bb)
	m := cube(c.l - .1055613458*a - .0638541728*bb)
	s := cube(c.l - .0894841775*a - 1.291485548*bb)
	return 4.0767416621*l - 3.3077115913*m + .2309699292*s,
		-1.2684380046*l + 2.6097574011*m - .3413193965*s,
		-.0041960863*l - .7034186147*m + 1.707614701*s
}

func cube(v float64) float64 { return v * v * v }

// hex finds the nearest colour that a screen can show: the chroma is lowered until it fits.
func (c lch) hex() string {
	for ; ; c.c -= .004 {
		if c.c < 0 {
			c.c = 0
		}
		r, g, b := c.linear()
		if c.c == 0 || inGamut(r) && inGamut(g) && inGamut(b) {
			return fmt.Sprintf("#%02x%02x%02x", encode(r), encode(g), encode(b))
		}
	}
}

func inGamut(v float64) bool { return v >= -.0005 && v <= 1.0005 }

func encode(v float64) int {
	v = math.Min(1, math.Max(0, v))
	if v <= .0031308 {
		v *= 12.92
	} else {
		v = 1.055*math.Pow(v, 1/2.4) - .055
	}
	return int(math.Round(v * 255))
}
