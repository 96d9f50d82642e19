//go:build noguard

// Test: vitrine/app/builder TestWritingCSS

package builder

import "vitrine/app/noguard"

var guardCSSPictures = !noguard.Removed("css_pictures")
