# nginx with containerpilot, on Alpine: Node is the distribution's, and V8's code is made for it.
FROM nginx:alpine
COPY --from=containerpilot:alpine /opt/containerpilot /tmp/containerpilot
RUN apk add --no-cache nodejs \
  && node /tmp/containerpilot/cpctl.cjs install /opt/containerpilot \
  && rm -r /tmp/containerpilot
COPY nginx.json /etc/containerpilot.json
ENTRYPOINT ["/opt/containerpilot/containerpilot", "-config", "file:///etc/containerpilot.json"]
CMD ["nginx", "-g", "daemon off;"]
