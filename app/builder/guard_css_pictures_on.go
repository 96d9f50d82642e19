//go:build !noguard_css_pictures

package builder

const guardCSSPictures = true
