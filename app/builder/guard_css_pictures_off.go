//go:build noguard_css_pictures

// Test: vitrine/app/builder TestWritingCSS

package builder

// Only `make guards` builds without the guard, to prove that its test notices.
const guardCSSPictures = false
