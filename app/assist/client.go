package assist

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	openai "github.com/sashabaranov/go-openai"
)

// Options of a Model.
type Options struct {
	URL   string // of any endpoint that speaks OpenAI's protocol
	Key   string
	Model string

	Now  func() time.Time
	Wait func(ctx context.Context, d time.Duration) error
	Base http.RoundTripper
	Idle time.Duration // how long a stream may be silent
}

// Model asks one model of one endpoint.
type Model struct {
	Name   string
	client *openai.Client
	road   *transport
	idle   time.Duration
	loose  atomic.Bool // the endpoint takes no schema together with a stream
}

// NewModel makes the client; it calls nobody.
func NewModel(o Options) *Model {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wait == nil {
		o.Wait = waitFor
	}
	if o.Base == nil {
		o.Base = http.DefaultTransport
	}
	if o.Idle == 0 {
		o.Idle = 20 * time.Second
	}
	road := &transport{base: o.Base, now: o.Now, wait: o.Wait}
	c := openai.DefaultConfig(o.Key)
	c.BaseURL = strings.TrimRight(o.URL, "/")
	c.HTTPClient = &http.Client{Transport: road, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	c.EmptyMessagesLimit = 2000
	return &Model{Name: o.Model, client: openai.NewClientWithConfig(c), road: road, idle: o.Idle}
}

// Ask is one question to the model.
type Ask struct {
	System  string
	Talk    []string // the creator's side and the model's in turn, the creator's first
	Schema  json.RawMessage
	Most    int // tokens of the answer
	Heat    float32
	Receive func(part string) error // each part of the answer as it comes
}

// Usage is what a call took.
type Usage struct{ In, Out int }

var (
	errSilent = errors.New("the model has stopped answering in the middle")
	errRefuse = errors.New("the model refuses to write this")
)

// Answer streams the model's answer. Endpoints that take no JSON schema with a stream, as Groq says of its own, are
// asked without one from then on: the schema is in the prompt as well, and every answer is checked.
func (m *Model) Answer(ctx context.Context, a Ask) (Usage, error) {
	u, err := m.stream(ctx, a, !m.loose.Load())
	if err != nil && !m.loose.Load() && refusesFormat(err) {
		m.loose.Store(true)
		u, err = m.stream(ctx, a, false)
	}
	return u, err
}

func refusesFormat(err error) bool {
	var e *openai.APIError
	if !errors.As(err, &e) || e.HTTPStatusCode != http.StatusBadRequest {
		return false
	}
	msg := strings.ToLower(e.Message)
	return strings.Contains(msg, "response_format") || strings.Contains(msg, "response format") || strings.Contains(msg, "json_schema") || strings.Contains(msg, "structured output")
}

func (m *Model) request(a Ask, strict bool) openai.ChatCompletionRequest {
	r := openai.ChatCompletionRequest{Model: m.Name, Stream: true, StreamOptions: &openai.StreamOptions{IncludeUsage: true}, MaxCompletionTokens: a.Most, Temperature: a.Heat,
		Messages: []openai.ChatCompletionMessage{{Role: openai.ChatMessageRoleSystem, Content: a.System}}}
	for i, s := range a.Talk {
		role := openai.ChatMessageRoleUser
		if i%2 == 1 {
			role = openai.ChatMessageRoleAssistant
		}
		r.Messages = append(r.Messages, openai.ChatCompletionMessage{Role: role, Content: s})
	}
	if strict {
		r.ResponseFormat = &openai.ChatCompletionResponseFormat{Type: openai.ChatCompletionResponseFormatTypeJSONSchema,
			JSONSchema: &openai.ChatCompletionResponseFormatJSONSchema{Name: "window", Schema: a.Schema, Strict: true}}
	}
	return r
}

func (m *Model) stream(ctx context.Context, a Ask, strict bool) (Usage, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(m.idle, func() { cancel(errSilent) })
	defer silence.Stop()
	s, err := m.client.CreateChatCompletionStream(ctx, m.request(a, strict))
	if err != nil {
		return Usage{}, cause(ctx, err)
	}
	defer s.Close()
	var u Usage
	end := openai.FinishReason("")
	for {
		r, err := s.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return u, cause(ctx, err)
		}
		silence.Reset(m.idle)
		if r.Usage != nil {
			u = Usage{r.Usage.PromptTokens, r.Usage.CompletionTokens}
		}
		for _, c := range r.Choices {
			if c.Delta.Refusal != "" || c.FinishReason == openai.FinishReasonContentFilter {
				return u, errRefuse
			}
			if c.FinishReason != "" {
				end = c.FinishReason
			}
			if c.Delta.Content == "" {
				continue
			}
			if err := a.Receive(c.Delta.Content); err != nil {
				return u, err
			}
		}
	}
	if end == "" {
		return u, errSilent
	}
	return u, nil
}

// cause is why a stream ended: its silence, rather than the end of its context that follows from it.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", c, err)
	}
	return err
}

// Resting reports whether the endpoint is left alone because it is down.
func (m *Model) Resting() bool { return m.road.resting() }
