package ledger

import (
	"regexp"
	"strings"

	"vitrine/app/id"
)

// Account is whose money it is. What an account owes is negative for those outside and positive for those we
// owe: a sale of 100 with a fee of 5 is provider −100, platform +5, creator +95.
type Account string

// Platform's own accounts.
const (
	PlatformFees Account = "platform:fees"
	ProviderFees Account = "provider:fees" // what providers keep of the money that passes through them
)

// Provider is the money that a payment provider holds for us.
func Provider(name string) Account { return Account("provider:" + name) }

// Pending is a creator's money that may still be asked back.
func Pending(u id.User) Account { return Account("creator:" + u.String() + ":pending") }

// Available can be paid out.
func Available(u id.User) Account { return Account("creator:" + u.String() + ":available") }

// Held waits for a person to look at it.
func Held(u id.User) Account { return Account("creator:" + u.String() + ":held") }

// InFlight is on its way to the creator.
func InFlight(u id.User) Account { return Account("creator:" + u.String() + ":in_flight") }

// Tax is what is owed to a place.
func Tax(place string) Account { return Account("tax:" + place) }

// Credit is a buyer's.
func Credit(b id.Buyer) Account { return Account("buyer:" + b.String() + ":credit") }

const uuidForm = `[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`

var accountForm = regexp.MustCompile(`^(platform:fees|provider:[a-z]{2,20}|creator:` + uuidForm + `:(pending|available|held|in_flight)|tax:[A-Z]{2}(-[A-Z0-9]{1,3})?|buyer:` + uuidForm + `:credit)$`)

// Valid reports whether the name is one that the functions above make.
func (a Account) Valid() bool { return accountForm.MatchString(string(a)) }

// shards spreads an account that every sale touches over several rows of running balances.
const shards = 16

func (a Account) shard(e id.Entry) int {
	if strings.HasPrefix(string(a), "creator:") || strings.HasPrefix(string(a), "buyer:") {
		return 0
	}
	return int(e[15]) % shards // the random end of the id
}
