package io.holdfast.port;

class PcapPortTest extends FramePortContract {

    @Override
    FramePort open(String interfaceName) throws PortException {
        return PcapPort.open(interfaceName);
    }
}
