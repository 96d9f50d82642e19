package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// LLM speaks OpenAI's chat completions: streamed or whole, with a JSON schema, usage, and the errors that endpoints
// give. What it writes follows from the prompt alone.
type LLM struct {
	s *Server

	mu      sync.Mutex
	faults  []llmFault
	answers []string
	asked   []LLMRequest
	pace    time.Duration
}

// LLMFault is a way to misbehave.
type LLMFault string

const (
	LLMFences  LLMFault = "fences"  // the JSON stands in a code fence
	LLMProse   LLMFault = "prose"   // with friendly words around it
	LLMSchema  LLMFault = "schema"  // kinds and fields that nobody asked for
	LLMCut     LLMFault = "cut"     // the connection ends in the middle
	LLMHostile LLMFault = "hostile" // scripts, addresses, prices
	LLMBusy    LLMFault = "busy"    // 429 with Retry-After
	LLMBroken  LLMFault = "broken"  // 500
	LLMSilent  LLMFault = "silent"  // begins, and says nothing more
	LLMRefuse  LLMFault = "refuse"  // content_filter
	LLMFormat  LLMFault = "format"  // 400: no schema together with a stream
	LLMEmpty   LLMFault = "empty"   // an answer without a word
)

var llmFaults = []LLMFault{LLMFences, LLMProse, LLMSchema, LLMCut, LLMHostile, LLMBusy, LLMBroken, LLMSilent, LLMRefuse, LLMFormat, LLMEmpty}

type llmFault struct {
	kind  LLMFault
	times int
}

// LLMRequest is what the endpoint was asked.
type LLMRequest struct {
	Model    string `json:"model"`
	Messages []struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	} `json:"messages"`
	MaxTokens           int      `json:"max_tokens"`
	MaxCompletionTokens int      `json:"max_completion_tokens"`
	Temperature         *float64 `json:"temperature"`
	TopP                *float64 `json:"top_p"`
	Seed                *int     `json:"seed"`
	Stream              bool     `json:"stream"`
	StreamOptions       *struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	ResponseFormat *struct {
		Type       string `json:"type"`
		JSONSchema *struct {
			Name        string          `json:"name"`
			Description string          `json:"description"`
			Strict      bool            `json:"strict"`
			Schema      json.RawMessage `json:"schema"`
		} `json:"json_schema"`
	} `json:"response_format"`
}

// URL is the base address for a client: chat/completions is below it.
func (l *LLM) URL() string { return l.s.base + "/llm/v1" }

// Misbehave lets the next requests go wrong, as often as times says; 0 is until Behave.
func (l *LLM) Misbehave(kind LLMFault, times int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, llmFault{kind, times})
}

// Behave ends all misbehaviour.
func (l *LLM) Behave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults, l.answers = nil, nil
}

// Say gives the next answers, word for word.
func (l *LLM) Say(answers ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = append(l.answers, answers...)
}

// Pace is how long the endpoint thinks about each part of a streamed answer.
func (l *LLM) Pace(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pace = d
}

// Asked are all requests so far.
func (l *LLM) Asked() []LLMRequest {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.asked)
}

func (l *LLM) next(r LLMRequest) (fault LLMFault, answer string, pace time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, r)
	if len(l.asked) > 1000 {
		l.asked = l.asked[500:]
	}
	if len(l.faults) > 0 {
		f := &l.faults[0]
		fault = f.kind
		if f.times--; f.times == 0 {
			l.faults = l.faults[1:]
		}
	}
	if len(l.answers) > 0 {
		answer, l.answers = l.answers[0], l.answers[1:]
	}
	return fault, answer, l.pace
}

func (l *LLM) routes(mux *http.ServeMux) {
	mux.HandleFunc("POST /llm/v1/chat/completions", l.complete)
	mux.HandleFunc("GET /llm/v1/models", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, obj{"object": "list", "data": []obj{{"id": "moonshotai/kimi-k2-instruct-0905", "object": "model", "owned_by": "Moonshot AI", "context_window": 262144}}})
	})
	mux.HandleFunc("POST /control/llm/faults", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Kind  LLMFault `json:"kind"`
			Times int      `json:"times"`
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, bodySize)).Decode(&in); err != nil || !slices.Contains(llmFaults, in.Kind) {
			say(w, http.StatusBadRequest, obj{"error": fmt.Sprintf("kind must be one of %v", llmFaults)})
			return
		}
		l.Misbehave(in.Kind, in.Times)
		say(w, http.StatusOK, obj{"ok": true})
	})
	mux.HandleFunc("POST /control/llm/faults/clear", func(w http.ResponseWriter, _ *http.Request) { l.Behave(); say(w, http.StatusOK, obj{"ok": true}) })
}

func llmError(w http.ResponseWriter, status int, kind, msg string) {
	say(w, status, obj{"error": obj{"message": msg, "type": kind, "code": kind}})
}

func (l *LLM) complete(w http.ResponseWriter, r *http.Request) {
	if key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); !ok || key == "" {
		llmError(w, http.StatusUnauthorized, "invalid_api_key", "Invalid API Key")
		return
	}
	var in LLMRequest
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		llmError(w, http.StatusBadRequest, "invalid_request_error", err.Error())
		return
	}
	if err := in.check(); err != nil {
		llmError(w, http.StatusBadRequest, "invalid_request_error", err.Error())
		return
	}
	fault, answer, pace := l.next(in)
	switch {
	case fault == LLMBusy:
		w.Header().Set("Retry-After", "2")
		llmError(w, http.StatusTooManyRequests, "rate_limit_exceeded", "Rate limit reached for this model. Please try again in 2s.")
		return
	case fault == LLMBroken:
		llmError(w, http.StatusInternalServerError, "internal_server_error", "Internal server error")
		return
	case fault == LLMFormat && in.ResponseFormat != nil && in.Stream:
		llmError(w, http.StatusBadRequest, "invalid_request_error", "response_format `json_schema` does not support streaming")
		return
	}
	if answer == "" && fault != LLMEmpty {
		answer = spoil(write(in), fault)
	}
	used := obj{"prompt_tokens": in.tokens(), "completion_tokens": (len(answer) + 3) / 4, "total_tokens": in.tokens() + (len(answer)+3)/4}
	if !in.Stream {
		say(w, http.StatusOK, obj{"id": "chatcmpl-sandbox", "object": "chat.completion", "created": l.s.Now().Unix(), "model": in.Model, "usage": used,
			"choices": []obj{{"index": 0, "finish_reason": finish(fault), "message": obj{"role": "assistant", "content": answer}}}})
		return
	}
	l.stream(w, r, in, fault, answer, used, pace)
}

func finish(f LLMFault) string {
	if f == LLMRefuse {
		return "content_filter"
	}
	return "stop"
}

// stream sends the answer in parts of a few letters, as models do.
func (l *LLM) stream(w http.ResponseWriter, r *http.Request, in LLMRequest, fault LLMFault, answer string, used obj, pace time.Duration) {
	w.Header().Set("Content-Type", "text/event-stream")
	flush := http.NewResponseController(w)
	chunk := func(choices []obj, usage any) {
		b, err := json.Marshal(obj{"id": "chatcmpl-sandbox", "object": "chat.completion.chunk", "created": l.s.Now().Unix(), "model": in.Model, "choices": choices, "usage": usage})
		if err == nil {
			fmt.Fprintf(w, "data: %s\n\n", b)
			_ = flush.Flush()
		}
	}
	delta := func(d obj, end any) { chunk([]obj{{"index": 0, "delta": d, "finish_reason": end}}, nil) }
	delta(obj{"role": "assistant", "content": ""}, nil)
	if fault == LLMRefuse {
		delta(obj{}, "content_filter")
		_, _ = io.WriteString(w, "data: [DONE]\n\n")
		return
	}
	rs := []rune(answer)
	for i := 0; i < len(rs); i += 17 {
		if (fault == LLMCut || fault == LLMSilent) && i > len(rs)/2 {
			if fault == LLMSilent {
				<-r.Context().Done()
			}
			panic(http.ErrAbortHandler)
		}
		delta(obj{"content": string(rs[i:min(i+17, len(rs))])}, nil)
		if pace > 0 {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(pace):
			}
		}
	}
	delta(obj{}, "stop")
	if in.StreamOptions != nil && in.StreamOptions.IncludeUsage {
		chunk([]obj{}, used)
	}
	_, _ = io.WriteString(w, "data: [DONE]\n\n")
}

func (in LLMRequest) tokens() int {
	n := 0
	for _, m := range in.Messages {
		n += len(m.Content)
	}
	return (n + 3) / 4
}

// check refuses what a real endpoint refuses, strict schemas above all.
func (in LLMRequest) check() error {
	if in.Model == "" || len(in.Messages) == 0 {
		return errors.New("model and messages are required")
	}
	for i, m := range in.Messages {
		if !slices.Contains([]string{"system", "user", "assistant"}, m.Role) {
			return errors.New("messages." + strconv.Itoa(i) + ".role is not known")
		}
	}
	f := in.ResponseFormat
	if f == nil || f.Type == "text" {
		return nil
	}
	if f.Type != "json_schema" || f.JSONSchema == nil || f.JSONSchema.Name == "" {
		return errors.New("response_format.type must be text or json_schema, with a name")
	}
	var schema any
	if err := json.Unmarshal(f.JSONSchema.Schema, &schema); err != nil {
		return errors.New("response_format.json_schema.schema is not JSON")
	}
	if f.JSONSchema.Strict {
		return strict(schema, "schema")
	}
	return nil
}

// strict is the rule for schemas of strict mode: all properties required, none besides them.
func strict(v any, at string) error {
	switch x := v.(type) {
	case map[string]any:
		props, isObject := x["properties"].(map[string]any)
		if isObject {
			if x["additionalProperties"] != false {
				return fmt.Errorf("%s: additionalProperties must be false", at)
			}
			need, _ := x["required"].([]any)
			for k := range props {
				if !slices.Contains(need, any(k)) {
					return fmt.Errorf("%s: %s must be required", at, k)
				}
			}
			if len(need) != len(props) {
				return fmt.Errorf("%s: required names what there is not", at)
			}
		}
		for k, y := range x {
			if err := strict(y, at+"."+k); err != nil {
				return err
			}
		}
	case []any:
		for i, y := range x {
			if err := strict(y, at+"."+strconv.Itoa(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// spoil makes an answer wrong in one of the known ways.
func spoil(answer string, f LLMFault) string {
	switch f {
	case LLMFences:
		return "```json\n" + answer + "\n```"
	case LLMProse:
		return "Sure! Here is the page you asked for:\n\n" + answer + "\n\nLet me know if you would like any changes."
	case LLMSchema:
		return `{"blocks":[{"kind":"hero","html":"<h1>Hi</h1>"},{"kind":"header","text":"Hello","title":"Not asked for"},{"kind":"text","title":7,"text":["no"]}]}`
	case LLMHostile:
		return `{"blocks":[{"kind":"header","text":"<script>alert(1)</script>","socials":[]},{"kind":"text","title":"Visit evil.example","text":"Buy now for $1 at https://evil.example/pay"},` +
			`{"kind":"text","title":"Praise","text":"Award-winning, loved by 12,000 customers."},{"kind":"link","title":"Click","link":9}]}`
	}
	return answer
}
