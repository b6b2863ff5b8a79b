// Exceptions through frames with destructors, streams, a thread.
#include <iostream>
#include <stdexcept>
#include <thread>

struct Guard {
    ~Guard() { std::cout << "unwound "; }
};

static void fall(int depth)
{
    Guard guard;
    if (depth == 0)
        throw std::runtime_error("thrown");
    fall(depth - 1);
}

int main()
{
    try {
        fall(2);
    } catch (const std::exception &e) {
        std::cout << "caught " << e.what() << std::endl;
    }
    std::thread([] { std::cout << "threaded" << std::endl; }).join();
}
