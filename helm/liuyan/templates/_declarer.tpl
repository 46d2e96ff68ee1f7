{{/* The pod that declares streams and consumers. Takes root, c, services, env, credentials, secret, key, authority. */}}
{{- define "liuyan.declaring" -}}
restartPolicy: OnFailure
{{ include "liuyan.placing" .c }}
containers:
  - name: declare
    image: {{ include "liuyan.image" (dict "root" .root "image" .root.Values.image) }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    args: [streams, declare, {{ join ", " .services }}, --wait, "120"]
    env:
      {{- range $name := keys .env | sortAlpha }}
      - {name: {{ $name }}, value: {{ get $.env $name | quote }}}
      {{- end }}
    resources:
      {{- toYaml .root.Values.nats.declarer.resources | nindent 6 }}
    securityContext:
      {{- toYaml .c.svc.securityContext | nindent 6 }}
    volumeMounts:
      - {name: config, mountPath: /etc/liuyan/config, readOnly: true}
      - {name: tmp, mountPath: /tmp}
      {{- if ne .credentials "none" }}
      - {name: secrets, mountPath: /etc/liuyan/secrets, readOnly: true}
      {{- end }}
      {{- if .authority }}
      - {name: nats-ca, mountPath: /etc/liuyan/nats, readOnly: true}
      {{- end }}
volumes:
  - name: config
    configMap: {name: {{ include "liuyan.name" .c }}}
  - name: tmp
    emptyDir: {sizeLimit: 16Mi}
  {{- if ne .credentials "none" }}
  - name: secrets
    secret: {secretName: {{ .secret }}, defaultMode: 0440, items: [{key: {{ .key }}, path: nats}]}
  {{- end }}
  {{- if .authority }}
  - name: nats-ca
    secret: {secretName: {{ .root.Values.nats.caSecret }}, items: [{key: ca.crt, path: ca.crt}]}
  {{- end }}
{{- end -}}
