# Fastly before Vitrine's shop host: parts for custom VCL. Set in Vitrine's environment
#
#   PURGE_KIND=fastly
#   PURGE_URL=https://api.fastly.com/service/SERVICE_ID
#   PURGE_TOKEN=a token with the scope purge_select and purge_all
#
# Pages say Surrogate-Key (ids of the shop and of the products they show), s-maxage=3600, stale-while-revalidate
# and stale-if-error; Fastly goes by all four by itself and keeps Surrogate-Key from visitors. Every publish, price
# or stock change purges its tags within about a second.

sub vcl_recv {
#FASTLY recv
  # One object for each packing, whatever order the browser names them in.
  if (req.http.Accept-Encoding ~ "\bbr\b") {
    set req.http.Accept-Encoding = "br";
  } elsif (req.http.Accept-Encoding ~ "\bzstd\b") {
    set req.http.Accept-Encoding = "zstd";
  } elsif (req.http.Accept-Encoding ~ "\bgzip\b") {
    set req.http.Accept-Encoding = "gzip";
  } else {
    unset req.http.Accept-Encoding;
  }
  unset req.http.Cookie; # the shop host has none
  if (req.method != "GET" && req.method != "HEAD" && req.method != "FASTLYPURGE") {
    return(pass);
  }
  return(lookup);
}

sub vcl_fetch {
#FASTLY fetch
  # While Vitrine cannot be reached, what is there is shown for ten minutes.
  if (beresp.status >= 500 && beresp.status < 600) {
    if (stale.exists) {
      return(deliver_stale);
    }
    return(pass);
  }
  if (beresp.http.Cache-Control ~ "no-store|no-cache|private") {
    return(pass);
  }
  return(deliver);
}

sub vcl_error {
#FASTLY error
  if (stale.exists) {
    return(deliver_stale);
  }
  return(deliver);
}
