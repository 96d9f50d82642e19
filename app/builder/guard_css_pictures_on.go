//go:build !noguard

package builder

const guardCSSPictures = true
