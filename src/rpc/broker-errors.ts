/** The broker did not take who we say we are: trying again is of no use. */
export class BrokerRefused extends Error {
  override readonly name = 'BrokerRefused';
}

/** The broker could not be reached this time. */
export class BrokerAway extends Error {
  override readonly name = 'BrokerAway';
}
