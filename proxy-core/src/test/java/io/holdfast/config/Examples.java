package io.holdfast.config;

/** Files that tests start from. */
final class Examples {

    /** Every setting written out, most of them with a value that is not the default. */
    static final String FULL = """
            guest: redis
            host: a
            runtime-directory: /run/elsewhere
            state-directory: /var/lib/elsewhere
            proxy:
              placement: inline
              mode: reverse
              port: pcap
              nics:
                - primary: a0
                  backup: b0
                  uplink: up0
                - primary: a1
                  backup: b1
                  uplink: up1
              wall-limit: 64MiB
              wall-high-water: 16MiB
              exempt:
                - {ethertype: 0x88cc}
                - {protocol: udp, port: 53, prefix: 10.0.0.0/8}
                - {protocol: icmpv6, prefix: "fd00::/8"}
              reverse:
                log-limit: 32MiB
                digest-limit: 1MiB
                max-connections: 500
                held-ports: [443, 8443]
                admission: serial
                free-ports: [80]
                serial-ports: [6379, 5432]
                batch-ports: [11211]
                datagrams:
                  - {protocol: udp, port: 53, prefix: 10.0.0.0/8}
                  - {protocol: icmp, policy: drop}
                catch-up-limit: 5s
              http: 127.0.0.1:9701
              announce:
                schedule: [0ms, 100ms, 2s]
                refresh: 30s
                rate: 100
                probe: 5ms
            agent:
              role: backup
              arming: pass
              interval: 25ms
              latency-target: 20ms
              pause-budget: 40
              epochs-in-flight: 3
              mirror-input: all
              heartbeat: 50ms
              missed-heartbeats: 4
              grace: 200ms
              restore-attempts: 3
              spares: 2
              rehearsal:
                every: 360m
                time-limit: 90s
                answer-limit: 2s
                check: [redis-cli, -h, "10.0.0.5", ping]
              link:
                listen: 10.9.0.1:7700
                peer: "[fd00::2]:7700"
                insecure: false
                certificate: /etc/holdfast/a.crt
                key: /etc/holdfast/a.key
                authority: /etc/holdfast/ca.crt
              arbiter:
                kind: etcd
                endpoints: ["https://10.9.0.3:2379", "https://[fd00::4]:2379"]
                lease: 8s
                time-limit: 1s
                authority: /etc/holdfast/etcd-ca.crt
                certificate: /etc/holdfast/etcd.crt
                key: /etc/holdfast/etcd.key
                user: holdfast
                password-file: /etc/holdfast/etcd-password
              fence:
                command: [fence-host, --off, a]
                time-limit: 30s
              qemu:
                qmp: /run/elsewhere/q.sock
                memory: /dev/shm/elsewhere.ram
                incoming: /run/elsewhere/in.sock
                dirty-pages: soft-dirty
                command: [qemu-system-x86_64, -M, "pc,memory-backend=ram0", -append, "console=ttyS0 \\"quoted\\" 'x': #y", "", "null"]
              http: "[::1]:9702"
            """;

    /** Only what is required. */
    static final String SHORT = """
            guest: redis
            host: a
            proxy:
              nics:
                - {guest-port: tap0, uplink: up0}
            agent:
              role: primary
              link:
                listen: 10.9.0.1:7700
                peer: 10.9.0.2:7700
                insecure: true
              qemu:
                command: qemu-system-x86_64 -M pc
            """;

    private Examples() {}
}
