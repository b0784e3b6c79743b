# PostgreSQL with containerpilot, from its image of Debian: it brings a Node of its own.
FROM postgres:bookworm
COPY --from=containerpilot:archive /opt/containerpilot /opt/containerpilot
COPY postgres.json /etc/containerpilot.json
ENTRYPOINT ["/opt/containerpilot/containerpilot", "-config", "file:///etc/containerpilot.json"]
CMD ["docker-entrypoint.sh", "postgres"]
