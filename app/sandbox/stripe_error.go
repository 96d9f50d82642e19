package sandbox

import (
	"fmt"
	"net/http"
	"strings"
)

// apiError is an answer in the shape of Stripe's errors.
type apiError struct {
	Status  int
	Type    string
	Code    string
	Decline string
	Message string
	Param   string
	More    obj  // payment_intent, charge, payment_method
	Kept    bool // the change stands, and the answer is stored under its idempotency key
}

func (e *apiError) Error() string { return e.Message }
func (e *apiError) keep() bool    { return e.Kept }

func (e *apiError) body(requestID string) obj {
	in := obj{"type": e.Type, "message": e.Message}
	if requestID != "" {
		in["request_log_url"] = "https://dashboard.stripe.com/test/logs/" + requestID
	}
	if e.Code != "" {
		in["code"] = e.Code
		in["doc_url"] = "https://stripe.com/docs/error-codes/" + strings.ReplaceAll(e.Code, "_", "-")
	}
	if e.Decline != "" {
		in["decline_code"] = e.Decline
	}
	if e.Param != "" {
		in["param"] = e.Param
	}
	for k, v := range e.More {
		in[k] = v
	}
	return obj{"error": in}
}

func invalid(param, code, format string, args ...any) *apiError {
	return &apiError{Status: http.StatusBadRequest, Type: "invalid_request_error", Code: code, Param: param, Message: fmt.Sprintf(format, args...)}
}

// refused is an error that Stripe finds while it executes: the answer is stored under the idempotency key.
func refused(param, code, format string, args ...any) *apiError {
	e := invalid(param, code, format, args...)
	e.Kept = true
	return e
}

func missing(kind, id, param string) *apiError {
	e := invalid(param, "resource_missing", "No such %s: '%s'", kind, id)
	e.Status = http.StatusNotFound
	return e
}

// missingRef is a parameter that names something unknown: Stripe answers 400 then, and 404 for a path.
func missingRef(kind, id, param string) *apiError {
	return invalid(param, "resource_missing", "No such %s: '%s'", kind, id)
}

func unsupported(param string) *apiError {
	return invalid(param, "parameter_unknown", "The sandbox does not know the parameter %s, though Stripe does.", param)
}
