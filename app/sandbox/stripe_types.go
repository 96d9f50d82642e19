package sandbox

// obj is a JSON object on its way out.
type obj = map[string]any

// The rows below are what the journal keeps; stripe_shape.go draws them as Stripe does.

type session struct {
	ID             string            `json:"id"`
	Created        int64             `json:"created"`
	ExpiresAt      int64             `json:"expires_at"`
	Status         string            `json:"status"`
	Paid           string            `json:"paid"`
	Currency       string            `json:"currency"`
	Total          int64             `json:"total"`
	Items          []item            `json:"items"`
	Email          string            `json:"email,omitempty"`
	Customer       string            `json:"customer,omitempty"`
	CustomerAlways bool              `json:"customer_always,omitempty"`
	Ref            string            `json:"ref,omitempty"`
	Meta           map[string]string `json:"meta,omitempty"`
	Data           intentData        `json:"data"`
	Success        string            `json:"success"`
	Cancel         string            `json:"cancel,omitempty"`
	Methods        []string          `json:"methods"`
	MethodsGiven   bool              `json:"methods_given,omitempty"`
	Submit         string            `json:"submit,omitempty"`
	SubmitText     string            `json:"submit_text,omitempty"`
	Locale         string            `json:"locale,omitempty"`
	Address        string            `json:"address,omitempty"`
	Intent         string            `json:"intent,omitempty"`
	Details        *details          `json:"details,omitempty"`
}

type details struct {
	Email, Name, Country, Postal string
}

type item struct {
	ID          string            `json:"id"`
	Price       string            `json:"price"`
	Product     string            `json:"product"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Images      []string          `json:"images,omitempty"`
	Meta        map[string]string `json:"meta,omitempty"`
	Tax         string            `json:"tax,omitempty"`
	Unit        int64             `json:"unit"`
	Quantity    int64             `json:"quantity"`
}

// intentData is what a session hands to the payment it makes.
type intentData struct {
	Meta        map[string]string `json:"meta,omitempty"`
	Description string            `json:"description,omitempty"`
	Group       string            `json:"group,omitempty"`
	Descriptor  string            `json:"descriptor,omitempty"`
	Suffix      string            `json:"suffix,omitempty"`
	Receipt     string            `json:"receipt,omitempty"`
}

type intent struct {
	ID           string     `json:"id"`
	Secret       string     `json:"secret"`
	Created      int64      `json:"created"`
	Amount       int64      `json:"amount"`
	Currency     string     `json:"currency"`
	Status       string     `json:"status"`
	Received     int64      `json:"received"`
	Customer     string     `json:"customer,omitempty"`
	Session      string     `json:"session,omitempty"`
	Automatic    bool       `json:"automatic,omitempty"`
	NoRedirects  bool       `json:"no_redirects,omitempty"`
	Methods      []string   `json:"methods"`
	Method       *method    `json:"method,omitempty"`
	Data         intentData `json:"data"`
	ReturnURL    string     `json:"return_url,omitempty"`
	Challenge    string     `json:"challenge,omitempty"` // token of the 3-D Secure page while it is open
	CanceledAt   int64      `json:"canceled_at,omitempty"`
	CancelReason string     `json:"cancel_reason,omitempty"`
	Latest       string     `json:"latest,omitempty"`
	Charges      []string   `json:"charges,omitempty"`
	LastError    *failure   `json:"last_error,omitempty"`
}

type failure struct {
	Code, Decline, Message, Charge string
	Method                         *method
}

type charge struct {
	ID          string            `json:"id"`
	Created     int64             `json:"created"`
	Intent      string            `json:"intent"`
	Amount      int64             `json:"amount"`
	Refunded    int64             `json:"refunded"`
	Currency    string            `json:"currency"`
	Status      string            `json:"status"` // succeeded, pending, failed
	Customer    string            `json:"customer,omitempty"`
	Method      method            `json:"method"`
	Meta        map[string]string `json:"meta,omitempty"`
	Data        intentData        `json:"data"`
	Txn         string            `json:"txn,omitempty"`
	FailureTxn  string            `json:"failure_txn,omitempty"`
	FailCode    string            `json:"fail_code,omitempty"`
	FailMessage string            `json:"fail_message,omitempty"`
	Outcome     outcome           `json:"outcome"`
	ThreeDS     string            `json:"three_ds,omitempty"` // authenticated, failed
	Refunds     []string          `json:"refunds,omitempty"`
	Dispute     string            `json:"dispute,omitempty"`
	Email       string            `json:"email,omitempty"`
}

type outcome struct {
	Network, Reason, Level, Message, Type string
	Score                                 int64
}

type refund struct {
	ID         string            `json:"id"`
	Created    int64             `json:"created"`
	Charge     string            `json:"charge"`
	Intent     string            `json:"intent"`
	Amount     int64             `json:"amount"`
	Currency   string            `json:"currency"`
	Reason     string            `json:"reason,omitempty"`
	Status     string            `json:"status"`
	Kind       string            `json:"kind"`
	Txn        string            `json:"txn,omitempty"`
	FailureTxn string            `json:"failure_txn,omitempty"`
	Failure    string            `json:"failure,omitempty"`
	Meta       map[string]string `json:"meta,omitempty"`
}

type txn struct {
	ID          string `json:"id"`
	Account     string `json:"account,omitempty"` // whose balance; "" is the platform's
	Created     int64  `json:"created"`
	AvailableOn int64  `json:"available_on"`
	Amount      int64  `json:"amount"`
	Fee         int64  `json:"fee"`
	FeeLabel    string `json:"fee_label,omitempty"`
	Currency    string `json:"currency"`
	Type        string `json:"type"`
	Category    string `json:"category"`
	Source      string `json:"source"`
	Description string `json:"description,omitempty"`
}

type customer struct {
	ID          string            `json:"id"`
	Created     int64             `json:"created"`
	Email       string            `json:"email,omitempty"`
	Name        string            `json:"name,omitempty"`
	Phone       string            `json:"phone,omitempty"`
	Description string            `json:"description,omitempty"`
	Prefix      string            `json:"prefix"`
	Meta        map[string]string `json:"meta,omitempty"`
}

type hook struct {
	ID          string            `json:"id"`
	Created     int64             `json:"created"`
	URL         string            `json:"url"`
	Secret      string            `json:"secret"`
	Types       []string          `json:"types"`
	Reach       string            `json:"reach,omitempty"` // own, connect: whose events; "" is everybody's
	Version     string            `json:"version,omitempty"`
	Description string            `json:"description,omitempty"`
	Meta        map[string]string `json:"meta,omitempty"`
}
