//go:build !noguard

package disputes

// guardOnce lets an answer be sent once: banks read the first and no other.
const guardOnce = true
