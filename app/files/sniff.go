package files

import (
	"slices"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// sniffed is how much of a file its type is told from.
const sniffed = 3072

var pictures = []string{"image/jpeg", "image/png", "image/webp", "image/gif"}

// delivered are the types a download may name itself; all others arrive as plain bytes.
var delivered = append([]string{
	"application/pdf", "application/zip", "application/epub+zip", "application/gzip", "application/x-7z-compressed",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"application/vnd.openxmlformats-officedocument.presentationml.presentation",
	"audio/mpeg", "audio/wav", "audio/flac", "audio/ogg", "audio/mp4", "audio/x-m4a", "audio/aac", "audio/aiff",
	"video/mp4", "video/quicktime", "video/webm", "video/x-matroska",
	"font/otf", "font/ttf", "font/woff2",
}, pictures...)

// promised are endings that stand for a kind of file which is never text.
var promised = []string{
	".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".heic", ".tif", ".tiff", ".bmp", ".psd",
	".pdf", ".zip", ".7z", ".rar", ".gz", ".epub", ".docx", ".xlsx", ".pptx",
	".mp3", ".wav", ".flac", ".ogg", ".m4a", ".aac", ".aif", ".aiff", ".mp4", ".mov", ".m4v", ".webm", ".mkv",
	".otf", ".ttf", ".woff2",
}

var programs = []string{
	"application/vnd.microsoft.portable-executable", "application/x-elf", "application/x-executable", "application/x-sharedlib",
	"application/x-mach-binary", "application/x-msi", "application/x-ms-installer", "application/x-ms-shortcut",
	"application/x-java-applet", "application/wasm",
}

// judge tells from the first bytes what a file is, and whether it may pass: reason is empty when it may.
func judge(f File, head []byte) (contentType, reason string) {
	m := mimetype.Detect(head)
	if f.Purpose == ForImage {
		if !m.Is("image/jpeg") && !m.Is("image/png") && !m.Is("image/webp") && !m.Is("image/gif") {
			return "", reasonPicture
		}
		return plain(m.String()), ""
	}
	if slices.Contains(promised, ending(f.Name)) {
		if isText(m) {
			return "", reasonDisguise
		}
		for p := m; p != nil; p = p.Parent() {
			if slices.Contains(programs, plain(p.String())) {
				return "", reasonProgram
			}
		}
	}
	if t := plain(m.String()); slices.Contains(delivered, t) {
		return t, ""
	}
	return plainType, ""
}

// isText says that a file is some kind of text: web pages, drawings in SVG and scripts are.
func isText(m *mimetype.MIME) bool {
	for ; m != nil; m = m.Parent() {
		if strings.HasPrefix(m.String(), "text/plain") {
			return true
		}
	}
	return false
}

func plain(t string) string {
	t, _, _ = strings.Cut(t, ";")
	return t
}
