// Package id makes and reads the ids of rows and the secret tokens of links.
package id

import (
	"crypto/rand"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// ID is a UUIDv7 that knows what it names, so that a shop's id cannot stand where a product's is wanted.
type ID[K any] uuid.UUID

// Kinds exist only to tell ids apart.
type (
	UserKind     struct{}
	ShopKind     struct{}
	BlockKind    struct{}
	VersionKind  struct{}
	DraftKind    struct{}
	ArrivalKind  struct{}
	ImportKind   struct{}
	MemberKind   struct{}
	ProductKind  struct{}
	FileKind     struct{}
	CheckoutKind struct{}
	OrderKind    struct{}
	ItemKind     struct{}
	BuyerKind    struct{}
	MessageKind  struct{}
	EntryKind    struct{}
	InboxKind    struct{}
	JobKind      struct{}
	HoldKind     struct{}
	GrantKind    struct{}
	RefundKind   struct{}
	PayoutKind   struct{}
	MethodKind   struct{}
	DisputeKind  struct{}
	ReviewKind   struct{}
	CaseKind     struct{}
	RunKind      struct{}
)

type (
	User     = ID[UserKind]
	Shop     = ID[ShopKind]
	Block    = ID[BlockKind]
	Version  = ID[VersionKind]
	Draft    = ID[DraftKind]
	Arrival  = ID[ArrivalKind]
	Import   = ID[ImportKind]
	Member   = ID[MemberKind] // of a shop's audience
	Product  = ID[ProductKind]
	File     = ID[FileKind]
	Checkout = ID[CheckoutKind]
	Order    = ID[OrderKind]
	Item     = ID[ItemKind]
	Buyer    = ID[BuyerKind]
	Message  = ID[MessageKind]
	Entry    = ID[EntryKind]
	Inbox    = ID[InboxKind]
	Job      = ID[JobKind]
	Hold     = ID[HoldKind]
	Grant    = ID[GrantKind]  // what lets a buyer have a file: an entitlement
	Refund   = ID[RefundKind] // that a refund was asked for; the provider's own number is another
	Payout   = ID[PayoutKind]
	Method   = ID[MethodKind] // where a creator is paid out to
	Dispute  = ID[DisputeKind]
	Review   = ID[ReviewKind]
	Case     = ID[CaseKind]
	Run      = ID[RunKind] // what a model or a template was asked to write
)

// New returns a fresh time-ordered id: id.New[id.ShopKind]().
func New[K any]() ID[K] { return ID[K](uuid.Must(uuid.NewV7())) }

// Parse reads the canonical text form. The error is not meant for people.
func Parse[K any](s string) (ID[K], error) {
	u, err := uuid.Parse(s)
	if err != nil || len(s) != 36 {
		return ID[K]{}, fmt.Errorf("id %q is not a uuid", s)
	}
	return ID[K](u), nil
}

func (i ID[K]) String() string               { return uuid.UUID(i).String() }
func (i ID[K]) IsZero() bool                 { return i == ID[K]{} }
func (i ID[K]) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

func (i *ID[K]) UnmarshalText(b []byte) error {
	v, err := Parse[K](string(b))
	*i = v
	return err
}

// Value stores the zero id as NULL.
func (i ID[K]) Value() (driver.Value, error) {
	if i.IsZero() {
		return nil, nil
	}
	return i.String(), nil
}

// Scan reads NULL as the zero id.
func (i *ID[K]) Scan(src any) error {
	if src == nil {
		*i = ID[K]{}
		return nil
	}
	return (*uuid.UUID)(i).Scan(src)
}

var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Token returns 128 random bits as 26 lower-case letters and digits, for links that grant something.
func Token() string {
	var b [16]byte
	rand.Read(b[:])
	return encoding.EncodeToString(b[:])
}

// Hash is what the database keeps of a token: a leaked table opens nothing.
func Hash(token string) []byte {
	h := sha256.Sum256([]byte(token))
	return h[:]
}

// ErrToken says that a string cannot be a token of ours.
var ErrToken = errors.New("not a token")

// CheckToken refuses strings that Token cannot have made, before any look-up.
func CheckToken(s string) error {
	if len(s) != 26 || strings.ToLower(s) != s {
		return ErrToken
	}
	if _, err := encoding.DecodeString(s); err != nil {
		return ErrToken
	}
	return nil
}
