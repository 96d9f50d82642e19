package files

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"

	_ "golang.org/x/image/webp"
)

const (
	maxPixels = 40_000_000
	maxCost   = 160 << 20 // bytes that decoding may need
	maxRatio  = 5
)

// header is what a picture says of itself before any of it is drawn.
type header struct {
	format        string
	width, height int
	orientation   int   // EXIF's 1 to 8
	wide          bool  // colours in Display P3, as phones write them
	cost          int64 // bytes needed to decode it
}

// inspect reads the header alone. A reason says why the picture is not decoded at all.
func inspect(raw []byte) (h header, reason string) {
	if len(raw) > 8 && string(raw[4:8]) == "ftyp" { // AVIF and its kin are written here, never read
		return h, reasonBroken
	}
	cfg, format, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil || cfg.Width < 1 || cfg.Height < 1 {
		return h, reasonBroken
	}
	h = header{format: format, width: cfg.Width, height: cfg.Height, orientation: 1}
	px := int64(cfg.Width) * int64(cfg.Height)
	if px > maxPixels {
		return h, reasonPixels
	}
	if cfg.Width > maxRatio*cfg.Height || cfg.Height > maxRatio*cfg.Width {
		return h, reasonShape
	}
	switch format {
	case "jpeg":
		h.cost = int64(float64(px) * inspectJPEG(raw, &h))
	case "png":
		h.cost = px * int64(pngBytes(cfg.ColorModel))
		if len(raw) > 28 && raw[28] == 1 { // interlaced: each pass is a picture of its own first
			h.cost *= 2
		}
	case "gif":
		h.cost = px
	default:
		h.cost = px * 10
	}
	if h.cost > maxCost {
		return h, reasonHeavy
	}
	return h, ""
}

func pngBytes(m color.Model) int {
	switch m {
	case color.GrayModel:
		return 1
	case color.Gray16Model:
		return 2
	case color.RGBA64Model, color.NRGBA64Model:
		return 8
	}
	if _, ok := m.(color.Palette); ok {
		return 1
	}
	return 4
}

// inspectJPEG walks the segments before the picture itself: frame, EXIF and colour profile. It returns the
// bytes that each pixel needs; a progressive picture keeps all its coefficients until the end.
func inspectJPEG(raw []byte, h *header) float64 {
	per := 3.0
	for i := 2; i+4 <= len(raw) && raw[i] == 0xff; {
		marker := raw[i+1]
		if marker == 0xff {
			i++
			continue
		}
		n := int(binary.BigEndian.Uint16(raw[i+2:]))
		if marker == 0xda || n < 2 || i+2+n > len(raw) {
			break
		}
		seg := raw[i+4 : i+2+n]
		switch {
		case marker >= 0xc0 && marker <= 0xc2:
			per = frameBytes(seg, marker == 0xc2)
		case marker == 0xe1 && bytes.HasPrefix(seg, []byte("Exif\x00\x00")):
			h.orientation = orientation(seg[6:])
		case marker == 0xe2 && bytes.HasPrefix(seg, []byte("ICC_PROFILE\x00")):
			h.wide = h.wide || isDisplayP3(seg)
		}
		i += 2 + n
	}
	return per
}

func frameBytes(seg []byte, progressive bool) float64 {
	if len(seg) < 6 || len(seg) < 6+3*int(seg[5]) {
		return 3
	}
	var sum, most float64
	for c := range int(seg[5]) {
		s := seg[6+3*c+1]
		area := float64(s>>4) * float64(s&15)
		sum, most = sum+area, max(most, area)
	}
	if most == 0 {
		return 3
	}
	per := sum / most
	if progressive {
		per *= 5
	}
	return per
}

// orientation reads tag 0x0112 of a TIFF header's first directory; 1 when there is none.
func orientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(tiff[:2]) {
	case "II":
		order = binary.LittleEndian
	case "MM":
		order = binary.BigEndian
	default:
		return 1
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return 1
		}
		if order.Uint16(entries) == 0x0112 {
			if v := int(order.Uint16(entries[8:])); v >= 1 && v <= 8 {
				return v
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}
