package pagecache

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// coding is how a page is packed, the smallest last.
type coding int

const (
	identity coding = iota
	gzipped
	zstandard
	brotlied
	codings
)

var codingNames = [codings]string{"", "gzip", "zstd", "br"}

// negotiate chooses the best coding that the header allows, by its weights and then by size.
func negotiate(accept string) coding {
	best, weight := identity, 0.0
	for len(accept) > 0 {
		var item string
		item, accept, _ = strings.Cut(accept, ",")
		name, params, _ := strings.Cut(item, ";")
		q := 1.0
		if v, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			f, err := strconv.ParseFloat(v, 64)
			if err != nil {
				continue
			}
			q = f
		}
		var c coding
		switch strings.TrimSpace(name) {
		case "br":
			c = brotlied
		case "zstd":
			c = zstandard
		case "gzip", "x-gzip":
			c = gzipped
		default:
			continue
		}
		if q > weight || q == weight && q > 0 && c > best {
			best, weight = c, q
		}
	}
	return best
}

// matches reports whether If-None-Match names etag; a proxy may have weakened it.
func matches(header, etag string) bool {
	for header != "" {
		var one string
		one, header, _ = strings.Cut(header, ",")
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		if one == etag || one == "*" {
			return true
		}
	}
	return false
}

type packer interface {
	io.WriteCloser
	Reset(w io.Writer)
}

var packers = [codings]*sync.Pool{
	gzipped: {New: func() any { w, _ := gzip.NewWriterLevel(nil, 6); return w }},
	zstandard: {New: func() any {
		w, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<17))
		return w
	}},
	brotlied: {New: func() any { return brotli.NewWriterLevel(nil, 5) }},
}

func (c coding) pack(b []byte) ([]byte, error) {
	if c == identity {
		return b, nil
	}
	w := packers[c].Get().(packer)
	defer packers[c].Put(w)
	var out bytes.Buffer
	w.Reset(&out)
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}
