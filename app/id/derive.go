package id

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
)

// Derive returns the link token of a row: 128 bits that only the holder of secret can compute. So a mail can
// be written again from ids alone while the database keeps nothing but the hash. Another purpose, another token.
func Derive(secret, purpose string, parts ...string) string {
	return encoding.EncodeToString(mac(secret, purpose, parts)[:16])
}

// DeriveCode returns six digits in the same way, for codes that a person types.
func DeriveCode(secret, purpose string, parts ...string) string {
	return fmt.Sprintf("%06d", binary.BigEndian.Uint64(mac(secret, purpose, parts))%1_000_000)
}

func mac(secret, purpose string, parts []string) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	for _, p := range append([]string{purpose}, parts...) {
		fmt.Fprintf(h, "%d:", len(p))
		io.WriteString(h, p)
	}
	return h.Sum(nil)
}
