package files

import (
	"bytes"
	"image"
	"math"
)

// Phones write photographs in Display P3. Without their profile they would look dull, so the colours are
// brought over to sRGB, which is what every browser takes a picture without a profile for.

// isDisplayP3 looks for the name that Apple, Google and Samsung give the profile, in ASCII or UTF-16.
func isDisplayP3(profile []byte) bool {
	return bytes.Contains(profile, []byte("Display P3")) ||
		bytes.Contains(profile, []byte("\x00D\x00i\x00s\x00p\x00l\x00a\x00y\x00 \x00P\x003"))
}

// p3ToSRGB is the product of the P3-to-XYZ and XYZ-to-sRGB matrices, both with the D65 white point.
var p3ToSRGB = [3][3]float32{
	{1.2249402, -0.2249404, 0},
	{-0.0420570, 1.0420571, 0},
	{-0.0196376, -0.0786361, 1.0982735},
}

const curveSteps = 4096

// Both spaces share sRGB's transfer curve.
var toLinear, toCurve = func() (lin [256]float32, curve [curveSteps + 1]byte) {
	for i := range lin {
		v := float64(i) / 255
		if v <= 0.04045 {
			lin[i] = float32(v / 12.92)
		} else {
			lin[i] = float32(math.Pow((v+0.055)/1.055, 2.4))
		}
	}
	for i := range curve {
		v := float64(i) / curveSteps
		if v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		curve[i] = byte(v*255 + 0.5)
	}
	return lin, curve
}()

func fromDisplayP3(m *image.RGBA) {
	for i := 0; i+3 < len(m.Pix); i += 4 {
		p := m.Pix[i : i+4 : i+4]
		r, g, b := toLinear[p[0]], toLinear[p[1]], toLinear[p[2]]
		for c, k := range p3ToSRGB {
			v := k[0]*r + k[1]*g + k[2]*b
			p[c] = toCurve[int(max(0, min(1, v))*curveSteps+0.5)]
		}
	}
}
