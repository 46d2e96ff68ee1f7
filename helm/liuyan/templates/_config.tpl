{{/* What the issuers may grant at a service, as a list of issuers in JSON. */}}
{{- define "liuyan.issuers" -}}
{{- $rights := .root.Files.Get "files/rights.yaml" | fromYaml -}}
{{- $issuers := list -}}
{{- range $issuer := keys .topology | sortAlpha -}}
{{- $scopes := $rights.between_services -}}
{{- if eq $issuer "intake" -}}
{{- $scopes = append $scopes "author:*" -}}
{{- else if eq $issuer "identity" -}}
{{- $scopes = append $rights.of_people (ternary "session:*" "messaging:confirm" (eq $.name "identity")) -}}
{{- else if eq $issuer "portal" -}}
{{- $scopes = ternary $rights.of_portal_at_intake list (eq $.name "intake") -}}
{{- end -}}
{{- $issuers = append $issuers (dict "name" $issuer "public_key_file" (printf "/etc/liuyan/public/%s.pem" $issuer) "scopes" $scopes) -}}
{{- end -}}
{{- if or .root.Values.auth.operator .root.Values.evaluation.enabled -}}
{{- $issuers = append $issuers (dict "name" "operator" "public_key_file" "/etc/liuyan/public/operator.pem" "scopes" (list "*")) -}}
{{- end -}}
{{- toJson $issuers -}}
{{- end -}}

{{/* The keys that only this service has, in JSON. */}}
{{- define "liuyan.own" -}}
{{- $values := .root.Values -}}
{{- $keys := "/etc/liuyan/keys" -}}
{{- $ring := printf "%s/keyring" $keys -}}
{{- $own := dict -}}
{{- if eq .name "intake" -}}
{{- $log := dict "key_file" (printf "%s/log.pem" $keys) "origin" (default "liuyan/log" $values.board.logOrigin) -}}
{{- $own = dict "board" $values.board.name "keyring_file" $ring "receipt_key_file" (printf "%s/receipt.pem" $keys) "access_key_file" (printf "%s/access.keys" $keys) "log" $log -}}
{{- $own = set $own "attachments" (dict "spool_folder" "/tmp") -}}
{{- else if eq .name "portal" -}}
{{- $own = dict "address" (printf "%s:8080" $values.global.listen) "public_url" (include "liuyan.publicUrl" .root) "cookie_key_file" (printf "%s/cookie.keys" $keys) -}}
{{- else if eq .name "notification" -}}
{{- $own = dict "keyring_file" $ring "public_url" (include "liuyan.publicUrl" .root) -}}
{{- else if or (eq .name "identity") (eq .name "moderation") -}}
{{- $own = dict "keyring_file" $ring -}}
{{- end -}}
{{- toJson $own -}}
{{- end -}}

{{- define "liuyan.publicUrl" -}}
{{- default "http://localhost:8080" .Values.board.publicUrl -}}
{{- end -}}

{{/* config.toml of a service: what the chart knows, and on top of it the service's `config`. */}}
{{- define "liuyan.config" -}}
{{- $values := .root.Values -}}
{{- $listen := $values.global.listen -}}
{{- $config := dict -}}
{{- $_ := set $config "management" (dict "address" (printf "%s:9090" $listen)) -}}
{{- $_ := set $config "host" (dict "drain_delay_ms" (mul 1000 .svc.termination.drainDelaySeconds) "drain_ms" (mul 1000 .svc.termination.drainSeconds)) -}}
{{- $_ := set $config "grpc" (dict "address" (printf "%s:7000" $listen) "reflection" false) -}}
{{- if $values.tls.enabled -}}
{{- $_ := set $config.grpc "tls" (dict "cert_file" "/etc/liuyan/tls/tls.crt" "key_file" "/etc/liuyan/tls/tls.key" "ca_file" "/etc/liuyan/tls/ca.crt" "require_client" $values.tls.requireClient) -}}
{{- end -}}
{{- if include "liuyan.keeps" . -}}
{{- $_ := set $config "database" (dict "url" (include "liuyan.databaseUrl" .) "password_file" "/etc/liuyan/secrets/postgres" "connections" (int .svc.connections) "migrate" (eq $values.migrations.mode "start")) -}}
{{- end -}}
{{- if include "liuyan.onBus" . -}}
{{- $nats := dict "url" $values.nats.url "declare" $values.nats.declare "replicas" (int $values.nats.replicas) -}}
{{- $credentials := $values.nats.credentials -}}
{{- if $values.evaluation.enabled -}}
{{- $credentials = "password" -}}
{{- $nats = dict "url" (printf "nats://%s:4222" (include "liuyan.host" (dict "root" .root "name" "nats"))) "declare" $values.nats.declare "replicas" 1 -}}
{{- else if $values.nats.caSecret -}}
{{- $_ := set $nats "ca_file" "/etc/liuyan/nats/ca.crt" -}}
{{- end -}}
{{- if eq $credentials "password" -}}
{{- $_ := set $nats "user" .name -}}
{{- $_ := set $nats "password_file" "/etc/liuyan/secrets/nats" -}}
{{- else if eq $credentials "nkey" -}}
{{- $_ := set $nats "nkey_seed_file" "/etc/liuyan/secrets/nats" -}}
{{- end -}}
{{- $_ := set $config "nats" $nats -}}
{{- end -}}
{{- if $values.objects.endpoint -}}
{{- $objects := dict "endpoint" $values.objects.endpoint "bucket" $values.objects.bucket "region" $values.objects.region "virtual_host" $values.objects.virtualHost "allow_http" $values.objects.allowHttp -}}
{{- if $values.objects.existingSecret -}}
{{- $_ := set $objects "access_key_file" "/etc/liuyan/secrets/objects-access" -}}
{{- $_ := set $objects "secret_key_file" "/etc/liuyan/secrets/objects-secret" -}}
{{- end -}}
{{- if $values.objects.caSecret -}}{{- $_ := set $objects "ca_file" "/etc/liuyan/objects-ca/ca.crt" -}}{{- end -}}
{{- $_ := set $config "objects" $objects -}}
{{- else if or $values.objects.existingClaim $values.evaluation.enabled -}}
{{- $_ := set $config "objects" (dict "folder" "/var/lib/liuyan/objects") -}}
{{- end -}}
{{- $_ := set $config "auth" (dict "key_file" "/etc/liuyan/keys/auth.pem" "issuers" (include "liuyan.issuers" . | fromJsonArray)) -}}
{{- $peers := dict -}}
{{- range .card.asks -}}
{{- $_ := set $peers . (printf "%s://%s:7000" (ternary "https" "http" $values.tls.enabled) (include "liuyan.host" (dict "root" $.root "name" .))) -}}
{{- end -}}
{{- $_ := set $config "peers" $peers -}}
{{- $own := include "liuyan.own" . | fromJson -}}
{{- if $own -}}{{- $_ := set $config "service" $own -}}{{- end -}}
{{- $config = mergeOverwrite $config (deepCopy .svc.config) -}}
{{- range $section := keys $config | sortAlpha -}}
{{- printf "[%s]\n" $section -}}
{{- range $key := keys (get $config $section) | sortAlpha -}}
{{- if eq $key "issuers" -}}
{{- printf "issuers = [\n" -}}
{{- range (get $config $section).issuers -}}
{{- printf "  %s,\n" (include "liuyan.toml" .) -}}
{{- end -}}
{{- printf "]\n" -}}
{{- else -}}
{{- printf "%s = %s\n" $key (include "liuyan.toml" (get (get $config $section) $key)) -}}
{{- end -}}
{{- end -}}
{{- printf "\n" -}}
{{- end -}}
{{- end -}}
